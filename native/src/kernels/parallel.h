// How a kernel uses its Runtime. In an unnamed namespace, as everything that a kernel's file includes for its own
// instruction set: a copy shared with other files could be the one that runs on every CPU.
#pragma once

#include <cstddef>

#include "kernels/runtime.h"

namespace noether::kernels {
namespace {

template <typename Body>
void parallel(const Runtime& runtime, const Body& body) {
  const auto call = [](int index, void* context) { (*static_cast<const Body*>(context))(index); };
  runtime.run(runtime.threads, call, const_cast<Body*>(&body));
}

// Consecutive pieces of the memory that the caller allocates.
struct Arena {
  char* next;
  template <typename T>
  T* take(size_t count) {
    T* piece = reinterpret_cast<T*>(next);
    next += (count * sizeof(T) + 255) / 256 * 256;
    return piece;
  }
};

}  // namespace
}  // namespace noether::kernels
