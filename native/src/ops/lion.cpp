// The Lion optimizer (arXiv 2302.06675) on whole lists, as a dispatcher operator:
//
//   noether::lion_(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, float lr, float beta1, float beta2,
//                  float weight_decay) -> ()
//
//   p <- p (1 - lr weight_decay) - lr sign(beta1 m + (1 - beta1) g),   m <- beta2 m + (1 - beta2) g
//
// Plain float32 tensors are updated in one pass over memory, which the update is bound by: on the CPU, and on CUDA
// where its kernels are built, there in one launch for up to 800 parameters. Anything else is updated by the foreach
// operators, with the same rounding: also where a derivative of the update is recorded, which the kernels have none of.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "kernels/vectors.h"
#include "ops/dense.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;

struct Rates {
  float decay;  // 1 - lr weight_decay
  float step;   // -lr
  float beta1, rest1, beta2, rest2;
};

NOETHER_VECTOR_CLONES void update(float* __restrict p, const float* __restrict g, float* __restrict m, int64_t count,
                                  Rates r) {
  for (int64_t i = 0; i < count; ++i) {
    const float direction = __builtin_fmaf(g[i], r.rest1, m[i] * r.beta1);
    // The sign as torch.sign gives it: 0 for 0, and NaN, too, leaves only the decay.
    const float sign = static_cast<float>(direction > 0.F) - static_cast<float>(direction < 0.F);
    p[i] = __builtin_fmaf(sign, r.step, p[i] * r.decay);
    m[i] = __builtin_fmaf(g[i], r.rest2, m[i] * r.beta2);
  }
}

constexpr int64_t kGrain = 1 << 15;

// Whether the values of a parameter, its gradient and its momentum lie one after the other on this device.
bool are_in_memory(const Tensor& p, const Tensor& g, const Tensor& m, c10::Device device) {
  const auto in_memory = [device, recording = at::GradMode::is_enabled()](const Tensor& t) {
    return t.defined() && is_plain(t) && t.device() == device && t.layout() == at::kStrided &&
           t.scalar_type() == at::kFloat && !t.is_neg() && !t._is_zerotensor() && t.is_contiguous() &&
           !(recording && t.requires_grad());
  };
  return in_memory(p) && in_memory(g) && in_memory(m) && p.numel() == g.numel() && p.numel() == m.numel();
}

void update_composite_(at::TensorList params, at::TensorList grads, at::TensorList exp_avgs, double lr, double beta1,
                       double beta2, double weight_decay) {
  at::_foreach_mul_(params, 1 - lr * weight_decay);
  const auto updates = at::_foreach_mul(exp_avgs, beta1);
  at::_foreach_add_(updates, grads, 1 - beta1);
  at::_foreach_sign_(updates);
  at::_foreach_add_(params, updates, -lr);
  at::_foreach_mul_(exp_avgs, beta2);
  at::_foreach_add_(exp_avgs, grads, 1 - beta2);
}

void lion_(at::TensorList params, at::TensorList grads, at::TensorList exp_avgs, double lr, double beta1, double beta2,
           double weight_decay) {
  TORCH_CHECK(params.size() == grads.size() && params.size() == exp_avgs.size(),
              "lion_: expected as many gradients and momenta as parameters, got ", params.size(), ", ", grads.size(),
              " and ", exp_avgs.size());
  if (params.empty()) return;
  const c10::Device device = params[0].device();
  bool plain = device.is_cpu() || device.is_cuda();
  for (size_t i = 0; i < params.size(); ++i) plain = plain && are_in_memory(params[i], grads[i], exp_avgs[i], device);
  if (!plain) return update_composite_(params, grads, exp_avgs, lr, beta1, beta2, weight_decay);
  if (device.is_cuda()) {
    static const auto update = find_operator<decltype(update_composite_)>("noether::lion_update_");
    return update.call(params, grads, exp_avgs, lr, beta1, beta2, weight_decay);
  }
  const Rates rates{static_cast<float>(1 - lr * weight_decay),
                    static_cast<float>(-lr),
                    static_cast<float>(beta1),
                    static_cast<float>(1 - beta1),
                    static_cast<float>(beta2),
                    static_cast<float>(1 - beta2)};
  for (size_t i = 0; i < params.size(); ++i) {
    float *p = params[i].mutable_data_ptr<float>(), *m = exp_avgs[i].mutable_data_ptr<float>();
    const float* g = grads[i].const_data_ptr<float>();
    at::parallel_for(0, params[i].numel(), kGrain,
                     [&](int64_t begin, int64_t end) { update(p + begin, g + begin, m + begin, end - begin, rates); });
    params[i].unsafeGetTensorImpl()->bump_version();
    exp_avgs[i].unsafeGetTensorImpl()->bump_version();
  }
}

}  // namespace

NOETHER_LIBRARY(library) {
  define_recording(library,
                   "lion_(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, float lr, float beta1, float "
                   "beta2, float weight_decay) -> ()",
                   TORCH_FN(lion_));
  // Plain tensors of one device: CUDA has a kernel of its own (`cuda/lion.cpp`).
  define_plain(library,
               "lion_update_(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] exp_avgs, float lr, float beta1, float "
               "beta2, float weight_decay) -> ()",
               TORCH_FN(update_composite_));
}

}  // namespace noether
