// Rotary position embedding: pairs of channels turned by an angle, in one pass (`ops/rotary.cpp` has the formula).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/real.h"

namespace noether::cuda {

struct Rotation {
  const void* x;  // (B, H, N, d), channels next to each other; strides in elements
  int64_t x_batch, x_head, x_token;
  const float* cos;  // (B, N, R), pairs next to each other
  const float* sin;
  int64_t cos_batch, cos_token, sin_batch, sin_token;
  void* y;  // (B, N, H, d), dense
  int64_t batches, heads, tokens;
  int channels, pairs, half;
  float sign;  // of the sine: -1 turns back
};

cudaError_t rotate(const Rotation& rotation, Real type, cudaStream_t stream);

}  // namespace noether::cuda
