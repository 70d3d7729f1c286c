// Layer norm without weights, scaled and shifted by vectors of each sample (`ops/modulated_norm.cpp` has the formula).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/real.h"

namespace noether::cuda {

struct ModulatedNorm {
  const void* x;  // (B, N, D), dense, of `type`
  Real type;
  const void* scale;  // (B, D), channels next to each other, of `vector_type`
  const void* shift;
  Real vector_type;
  int64_t scale_stride, shift_stride;  // from sample to sample
  Real out_type;                       // of the result and its gradient
  int64_t samples, rows;               // B, N
  int channels;                        // D
  float eps;
};

// Whether there is a kernel for these types.
bool modulated_norm_takes(Real type, Real vector_type, Real out_type);

// Result (B, N, D), and of each row its mean and 1 / sqrt(variance + eps), both (B N).
cudaError_t modulated_norm(const ModulatedNorm& norm, void* y, float* mean, float* inverse, cudaStream_t stream);

// Gradient of x, of its type, dense.
cudaError_t modulated_norm_backward(const ModulatedNorm& norm, const void* grad, const float* mean,
                                    const float* inverse, void* grad_x, cudaStream_t stream);

// Rows that are summed up in one piece, for gradients of the vectors.
int64_t modulated_norm_chunks(const ModulatedNorm& norm);

// Gradients of scale and shift, (B, D) of their type, dense. `partial` holds 2 chunks B D numbers.
cudaError_t modulated_norm_vectors_backward(const ModulatedNorm& norm, const void* grad, const float* mean,
                                            const float* inverse, float* partial, void* grad_scale, void* grad_shift,
                                            cudaStream_t stream);

}  // namespace noether::cuda
