// noether::lion_update_ on CUDA (`ops/lion.cpp`).
#include "cuda/lion.cuh"

#include <ATen/ATen.h>

#include <vector>

#include "cuda/registration.h"
#include "cuda/tensors.h"

namespace noether::cuda {
namespace {

void lion_update_(at::TensorList params, at::TensorList grads, at::TensorList exp_avgs, double lr, double beta1,
                  double beta2, double weight_decay) {
  std::vector<LionTensor> tensors(params.size());
  for (size_t i = 0; i < params.size(); ++i) {
    tensors[i] = {params[i].mutable_data_ptr<float>(), grads[i].const_data_ptr<float>(),
                  exp_avgs[i].mutable_data_ptr<float>(), params[i].numel()};
  }
  const LionRates rates{static_cast<float>(1 - lr * weight_decay),
                        static_cast<float>(-lr),
                        static_cast<float>(beta1),
                        static_cast<float>(1 - beta1),
                        static_cast<float>(beta2),
                        static_cast<float>(1 - beta2)};
  const Launching on(params[0]);
  C10_CUDA_CHECK(lion(tensors.data(), static_cast<int64_t>(tensors.size()), rates, on.stream));
  for (size_t i = 0; i < params.size(); ++i) {
    params[i].unsafeGetTensorImpl()->bump_version();
    exp_avgs[i].unsafeGetTensorImpl()->bump_version();
  }
}

}  // namespace

NOETHER_CUDA_KERNELS(library) {
  library.impl("lion_update_", TORCH_FN(lion_update_));
}

}  // namespace noether::cuda
