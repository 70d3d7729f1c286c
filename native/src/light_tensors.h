// Tensors of the CPU whose objects live in small blocks, and that are made without the questions that libtorch's factories
// ask: half of the time of an operator on a tiny tensor. All else about them is as of any tensor.
#pragma once

#include "torch_setup.h"

namespace noether {

// A dense tensor, with whatever its memory holds.
at::Tensor light_empty(at::IntArrayRef sizes, at::ScalarType type = at::kFloat);

// Another tensor over the storage of `self`, which autograd is not told of.
at::Tensor light_alias(const at::Tensor& self, at::IntArrayRef sizes, at::IntArrayRef strides, int64_t offset);

}  // namespace noether
