// Views of plain CPU tensors (ArgumentReader's), made without the way through the dispatcher, which takes longer than all
// the rest. libtorch is told what they are views of, as by its own operators; a gradient's history is the caller's.
#pragma once

#include "torch_setup.h"

namespace noether {

// Of a contiguous tensor; one size may be -1. Throws as ATen where the shape does not fit.
at::Tensor reshaped_view(const at::Tensor& self, at::IntArrayRef shape);
// Dimensions of the tensor, counted from the front.
at::Tensor transposed_view(const at::Tensor& self, int64_t dim0, int64_t dim1);
// Start and end as Python has them; `step` is at least 1.
at::Tensor sliced_view(const at::Tensor& self, int64_t dim, int64_t start, int64_t end, int64_t step);

}  // namespace noether
