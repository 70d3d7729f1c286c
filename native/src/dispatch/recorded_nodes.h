// History for the results of fast paths: nodes of the autograd graph with the derivatives that libtorch's own nodes
// have, attached without the way through its recording kernels, which on tiny tensors costs several times the operator.
// Every derivative is made of differentiable operators, so second derivatives work as usual.
#pragma once

#include "torch_setup.h"

namespace noether::recorded {

// out = a + sign * b, of equal shapes.
void add(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool subtract);
// out = a * b, of equal shapes.
void mul(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b);
// out = a @ b, matrices.
void mm(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b);
// out = input @ weight^T + bias, matrices and a vector.
void linear(const at::Tensor& out, const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);
// out = self summed over `dims` (empty: all).
void sum(const at::Tensor& out, const at::Tensor& self, at::IntArrayRef dims, bool keepdim);
// Views of self, made as libtorch makes them.
void reshape(const at::Tensor& out, const at::Tensor& self);
void transpose(const at::Tensor& out, const at::Tensor& self, int64_t dim0, int64_t dim1);
void slice(const at::Tensor& out, const at::Tensor& self, int64_t dim, int64_t start, int64_t end, int64_t step);
// out = the tensors, each of out's number of dimensions, joined along `dim`.
void cat(const at::Tensor& out, at::TensorList tensors, int64_t dim);
// out = gelu_rows(self), by the error function.
void gelu(const at::Tensor& out, const at::Tensor& self);
void softmax(const at::Tensor& out, const at::Tensor& self, int64_t dim);
void index_select(const at::Tensor& out, const at::Tensor& self, int64_t dim, const at::Tensor& index);
// `mean` and `rstd` are the further results of native_layer_norm; weight and bias may be undefined.
void layer_norm(const at::Tensor& out, const at::Tensor& input, at::IntArrayRef shape, const at::Tensor& weight,
                const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& rstd);

}  // namespace noether::recorded
