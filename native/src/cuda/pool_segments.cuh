// Sums or means over segments of equal length (`ops/pool_segments.cpp` has the formula).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/real.h"

namespace noether::cuda {

struct Segments {
  const bool* valid;  // (S, K), dense: which rows count; null: all
  int64_t count;      // S
  int64_t places;     // K
  int channels;       // D
  bool mean;
  Real type;         // of the rows and their gradient
  Real pooled_type;  // of the result and its gradient
};

// Whether there is a kernel for these types.
bool pool_segments_takes(Real type, Real pooled_type);

// Rows (S K, D) to the result (S, D), both dense.
cudaError_t pool_segments(const Segments& segments, const void* values, void* pooled, cudaStream_t stream);

// The gradient of the result to that of the rows.
cudaError_t spread_segments(const Segments& segments, const void* pooled_grad, void* grad, cudaStream_t stream);

}  // namespace noether::cuda
