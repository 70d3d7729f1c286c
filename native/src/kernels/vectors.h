// Loops that the compiler turns into vector code.
#pragma once

#include <cstdint>

// Compiled for several instruction sets; the loader picks one. Not inlined, so that the vector code stays in the
// function. Comparisons that could trap would keep the compiler from making choices of a loop into vector code.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NOETHER_VECTOR_CLONES                                  \
  __attribute__((noinline, optimize("O3", "no-trapping-math"), \
                 target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define NOETHER_INLINE inline __attribute__((always_inline))
#else
#define NOETHER_VECTOR_CLONES
#define NOETHER_INLINE inline
#endif

namespace noether {

void add_rows(const float* x, const float* y, int64_t count, float* z);
void subtract_rows(const float* x, const float* y, int64_t count, float* z);
void multiply_rows(const float* x, const float* y, int64_t count, float* z);

// From bfloat16.
void widen(const uint16_t* x, int64_t count, float* y);
// To bfloat16, to the nearest even.
void narrow(const float* x, int64_t count, uint16_t* y);

}  // namespace noether
