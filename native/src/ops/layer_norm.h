#pragma once

#include <ATen/core/Tensor.h>

#include <tuple>

namespace noether {

// Whether layer_norm_rows takes these: dense, float32 on the CPU, over the last dimension, with weight and bias.
bool has_layer_norm_kernel(const at::Tensor& input, at::IntArrayRef shape, const at::Tensor& weight,
                           const at::Tensor& bias);

// at::native_layer_norm (arXiv 1607.06450) of (…, D): the result (…, D), mean and 1 / sqrt(variance + eps), both (…,
// 1).
std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm_rows(const at::Tensor& input, const at::Tensor& weight,
                                                               const at::Tensor& bias, double eps);

}  // namespace noether
