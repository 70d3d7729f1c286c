// Values for the fake CUDA device: see values.cpp.
#pragma once
#include <map>
#include <string>

namespace fake {

// Switches the mode on for the calling thread, and so for the backward passes that it starts.
void compute_values_in_this_thread();

// Operators that the CPU could not compute, by name, since the last call: their results on the device are not right.
std::map<std::string, long> take_uncomputed();

}  // namespace fake
