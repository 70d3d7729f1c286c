#pragma once

#include <ATen/core/Tensor.h>

namespace noether {

// Whether noether::gelu has a kernel of its own for this tensor.
bool has_gelu_kernel(const at::Tensor& x);

// noether::gelu
at::Tensor gelu(const at::Tensor& x);

}  // namespace noether
