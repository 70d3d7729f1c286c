// How the operators of the addon get their implementation for CUDA: each file of operators notes its own.
#pragma once

#include <torch/library.h>

namespace noether::cuda {

// NOETHER_CUDA_KERNELS(library) { library.impl("radius_edges", TORCH_FN(radius)); }
#define NOETHER_CUDA_KERNELS(library)                                              \
  static void implement_operators(torch::Library&);                                \
  static const noether::cuda::Note note(&implement_operators, __FILE__, __LINE__); \
  static void implement_operators(torch::Library& library)

struct Note {
  Note(void (*run)(torch::Library&), const char* file, int line);
};

}  // namespace noether::cuda
