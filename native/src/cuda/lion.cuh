// The Lion update of many tensors in one launch (`ops/lion.cpp` has the formula).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace noether::cuda {

// One parameter with its gradient and momentum: dense float32, `count` values each.
struct LionTensor {
  float* param;
  const float* grad;
  float* momentum;
  int64_t count;
};

struct LionRates {
  float decay;  // 1 - lr weight_decay
  float step;   // -lr
  float beta1, rest1, beta2, rest2;
};

cudaError_t lion(const LionTensor* tensors, int64_t count, const LionRates& rates, cudaStream_t stream);

}  // namespace noether::cuda
