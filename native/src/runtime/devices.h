// Devices that compute beside the CPU.
#pragma once

#include "napi/arguments.h"

namespace noether {

// An argument such as "cuda:1" that is there and set up; without a number it means the current device. Throws for the CPU.
at::Device accelerator(const Arguments& arguments, size_t index, const char* name);

}  // namespace noether
