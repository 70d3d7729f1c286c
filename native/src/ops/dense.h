// Which tensors a kernel of our own can read from their memory as they stand.
#pragma once

#include <ATen/ATen.h>

namespace noether {

// Strided values on the CPU, with no negation or conjugation still to be done, and not a derivative of zeros that has
// no memory.
inline bool is_dense_cpu(const at::Tensor& t) {
  return t.defined() && t.is_cpu() && t.layout() == at::kStrided && !t.is_neg() && !t.is_conj() && !t._is_zerotensor();
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
