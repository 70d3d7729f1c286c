// What a kernel's caller provides: threads and memory.
#pragma once

#include <cstddef>

namespace noether::kernels {

struct Runtime {
  int threads;
  // Calls task(index, context) for index 0 … threads - 1.
  void (*run)(int threads, void (*task)(int index, void* context), void* context);
  // Memory of at least `bytes`, aligned to 64, that lives until the call returns.
  void* (*allocate)(size_t bytes, void* context);
  void* allocate_context;
};

}  // namespace noether::kernels
