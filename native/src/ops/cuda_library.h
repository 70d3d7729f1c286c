// The library of CUDA code (`cuda/library.h`): opened from beside the addon, once per process and copy.
#pragma once

#include <string>

namespace noether {

// Opens the library where libtorch_cuda is in the process, and registers its operators. Without it the operators run
// as compositions of ATen's.
void load_cuda_library();

// Why there is no library: empty when it is loaded.
const std::string& cuda_library_problem();

// A function that the library exports, null when it is not loaded.
void* cuda_library_symbol(const char* name);

}  // namespace noether
