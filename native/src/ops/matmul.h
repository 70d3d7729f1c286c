#pragma once

#include <ATen/core/Tensor.h>

namespace noether {

// left (…, m, k) right (…, k, n) + bias (n) on the tile unit, the result in `type`; in bfloat16 where `low_precision`
// or an operand says so. Operands are float32 or bfloat16 with the same leading dimensions, an undefined bias is none.
// Undefined where float32 values have no place in bfloat16 planes (infinite, not a number, about to overflow).
at::Tensor tile_product(const at::Tensor& left, const at::Tensor& right, const at::Tensor& bias, at::ScalarType type,
                        bool low_precision);

// As part of a backward pass: tile_product, or the plain operators where it gives nothing and where gradients of
// gradients are recorded.
at::Tensor gradient_product(const at::Tensor& left, const at::Tensor& right, at::ScalarType type, bool low_precision);

// A dense CPU tensor that tile_product can read.
bool is_tile_operand(const at::Tensor& tensor);

// Whether noether::matmul has a kernel of its own for these tensors on this machine.
bool has_matmul_kernel(const at::Tensor& left, const at::Tensor& right);

// noether::matmul
at::Tensor matmul(const at::Tensor& left, const at::Tensor& right);

}  // namespace noether
