// The Gaussian error linear unit (arXiv 1606.08415), x Phi(x) with the normal distribution Phi, by the error function:
// torch.nn.functional.gelu with approximate="none".
#pragma once

#include <ATen/core/Tensor.h>

namespace noether {

// Whether gelu_rows takes this: dense, float32 or bfloat16 on the CPU.
bool has_gelu_kernel(const at::Tensor& x);

// at::gelu
at::Tensor gelu_rows(const at::Tensor& x);

// at::gelu_backward, grad of x's shape
at::Tensor gelu_backward_rows(const at::Tensor& grad, const at::Tensor& x);

}  // namespace noether
