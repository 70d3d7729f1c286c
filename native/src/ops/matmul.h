#pragma once

#include <ATen/core/Tensor.h>

namespace noether {

// left (…, m, k) right (…, k, n) + bias (n) by a kernel of kernels/matrix_product.h, the result in `type`; in bfloat16
// where `low_precision` or an operand says so. Operands are float32 or bfloat16 with the same leading dimensions, an
// undefined bias is none. Undefined where no kernel takes the values.
at::Tensor kernel_product(const at::Tensor& left, const at::Tensor& right, const at::Tensor& bias, at::ScalarType type,
                          bool low_precision);

// As part of a backward pass: kernel_product, or the plain operators where it gives nothing and where gradients of
// gradients are recorded.
at::Tensor gradient_product(const at::Tensor& left, const at::Tensor& right, at::ScalarType type, bool low_precision);

// Whether the product of these operands is computed as in float32; else they are rounded to bfloat16.
bool is_float32_product(const at::Tensor& left, const at::Tensor& right, bool low_precision);

// Whether noether::matmul has a kernel of its own for these tensors on this machine.
bool has_matmul_kernel(const at::Tensor& left, const at::Tensor& right, bool low_precision = false);

// noether::matmul
at::Tensor matmul(const at::Tensor& left, const at::Tensor& right);

}  // namespace noether
