// Which tensors a kernel of our own can read from their memory as they stand.
#pragma once

#include <ATen/ATen.h>

namespace noether {

// Not what stands for a tensor inside of vmap, grad or jvp, and without a tangent of forward-mode derivatives: for these, operators of
// ATen have rules, and kernels that read memory have none.
inline bool is_plain(const at::Tensor& t) {
  constexpr c10::DispatchKeySet kStandIns({c10::DispatchKey::FuncTorchBatched, c10::DispatchKey::BatchedNestedTensor,
                                           c10::DispatchKey::FuncTorchGradWrapper});
  return !t.key_set().has_any(kStandIns) && !t._fw_grad(0).defined();
}

// Strided values on the CPU, with no negation or conjugation still to be done, and not a derivative of zeros that has
// no memory.
inline bool is_dense_cpu(const at::Tensor& t) {
  return t.defined() && t.is_cpu() && t.layout() == at::kStrided && !t.is_neg() && !t.is_conj() &&
         !t._is_zerotensor() && is_plain(t);
}

inline bool is_dense_cpu(const at::Tensor& t, at::ScalarType type) {
  return is_dense_cpu(t) && t.scalar_type() == type;
}

// float32 or bfloat16
inline bool is_dense_cpu_float_or_bfloat16(const at::Tensor& t) {
  return is_dense_cpu(t) && (t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16);
}

// The same values, standing in memory: for gradients, which may come in any form, and for ATen's kernels that read
// zeros without memory as if they had some.
inline at::Tensor in_memory(const at::Tensor& t) {
  return t._is_zerotensor() ? t.clone() : t.resolve_neg();
}

}  // namespace noether
