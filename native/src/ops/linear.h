#pragma once

#include <ATen/core/Tensor.h>

namespace noether {

// Whether noether::linear has a kernel of its own for these tensors on this machine.
bool has_linear_kernel(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                       bool low_precision = false);

// noether::linear; an undefined bias is none.
at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace noether
