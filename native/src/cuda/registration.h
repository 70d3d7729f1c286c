// How the operators of the addon get their implementation for CUDA: each file of operators notes its own.
#pragma once

#include <torch/library.h>

namespace noether::cuda {

// NOETHER_CUDA_KERNELS(library) { library.impl("radius_edges", TORCH_FN(radius)); }
#define NOETHER_CUDA_KERNELS(library)                                              \
  static void implement_operators(torch::Library&);                                \
  static const noether::cuda::Note note(&implement_operators, __FILE__, __LINE__); \
  static void implement_operators(torch::Library& library)

// As NOETHER_CUDA_KERNELS, for operators that only this library has, because they take no tensor: NOETHER_CUDA_LIBRARY(library) {
// library.def("cuda_graph_replay(int graph) -> ()", &replay); }
#define NOETHER_CUDA_LIBRARY(library)                                                      \
  static void define_operators(torch::Library&);                                           \
  static const noether::cuda::Note definition(&define_operators, __FILE__, __LINE__, true); \
  static void define_operators(torch::Library& library)

struct Note {
  Note(void (*run)(torch::Library&), const char* file, int line, bool defines = false);
};

}  // namespace noether::cuda
