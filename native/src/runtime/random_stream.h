// A generator that stands in for the process's default CPU generator on one thread: what data loading draws neither depends
// on other threads nor disturbs them.
#pragma once

#include <ATen/core/Generator.h>

namespace noether {

// Once, before operators are called; the first copy of the addon serves all.
void install_random_streams();

// Streams nest; they are left in the reverse order.
void enter_random_stream(at::Generator generator);
void exit_random_stream();

// The stream of this thread; undefined: there is none.
at::Generator random_stream();

}  // namespace noether
