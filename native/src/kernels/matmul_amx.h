// Matrix products on Intel's tile unit (AMX).
//
// In float32 the operands are split into three bfloat16 planes each, of which six products are kept: as exact as
// float32 arithmetic (about 1e-7 of the sum of the terms' magnitudes) where terms are above 1e-31, and up to three
// times as fast as the vector units. The tile unit takes smaller terms' planes for zero.
#pragma once

#include <cstdint>

#include "kernels/amx.h"

namespace noether::amx {

// One operand. Its rows or its columns lie next to each other: `stride` is the step between the others, in elements.
struct Matrix {
  const void* data;
  int64_t stride;
  bool bfloat16;    // else float32
  bool transposed;  // columns lie next to each other
};

// out (m, n) = left (m, k) right (k, n) + bias (n)
struct Product {
  int64_t m, n, k;
  Matrix left, right;
  const float* bias;  // may be null
  void* out;          // rows next to each other are `out_stride` elements apart
  int64_t out_stride;
  bool out_bfloat16;
  bool float32;  // as exact as float32; both operands are float32 then
};

// Whether the product pays off on the tile unit.
bool worthwhile(int64_t m, int64_t n, int64_t k);

// False, with an undefined `out`, where a float32 operand has values that bfloat16 planes cannot hold: infinite, not a
// number, or within half a percent of the largest number.
bool multiply(const Product& product, const Runtime& runtime);

}  // namespace noether::amx
