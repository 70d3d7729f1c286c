// What the addon and the library of CUDA code know of each other.
//
// The addon runs with and without CUDA; what needs CUDA's headers or nvcc is a library of its own, noether_cuda, which
// the addon opens from beside itself when libtorch_cuda is in the process (`ops/cuda_library.h`). The addon defines
// every operator with an implementation for all devices; the library adds that for CUDA.
#pragma once

namespace noether {

constexpr char kCudaLibraryFile[] = "libnoether_cuda.so";

// Goes up with every change of what follows, and of the schemas of the operators that the library implements.
constexpr int kCudaLibraryVersion = 2;

// noether_cuda_register: implements the operators of a copy of the addon, by its namespace in the dispatcher. Called
// once per copy. Returns null, or what is wrong; the text lives as long as the process.
using CudaRegister = const char* (*)(const char* operator_namespace, int version);
constexpr char kCudaRegisterName[] = "noether_cuda_register";

}  // namespace noether
