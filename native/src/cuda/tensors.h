// What the files that take tensors share.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "cuda/real.h"

namespace noether::cuda {

// The stream on which the caller of an operator expects its kernels, with the device of `t` current for as long as this
// lives.
struct Launching {
  explicit Launching(const at::Tensor& t)
      : guard(t.device()), stream(c10::cuda::getCurrentCUDAStream(t.device().index())) {}
  const c10::cuda::CUDAGuard guard;
  const c10::cuda::CUDAStream stream;
};

inline bool is_real(at::ScalarType type) {
  return type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
}

inline Real real_of(at::ScalarType type) {
  TORCH_CHECK(is_real(type), "expected float32, float16 or bfloat16, got ", type);
  return type == at::kFloat ? Real::kFloat : type == at::kHalf ? Real::kHalf : Real::kBFloat16;
}

}  // namespace noether::cuda
