#include "dispatch/views.h"

#include <ATen/InferSize.h>
#include <ATen/TensorUtils.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/VariableTypeUtils.h>

#include <algorithm>

#include "light_tensors.h"

namespace noether {

namespace {

using torch::autograd::CreationMeta;

// Why a view may not be written in place where its base is recorded.
CreationMeta creation_meta() {
  if (c10::InferenceMode::is_enabled()) return CreationMeta::INFERENCE_MODE;
  return c10::GradMode::is_enabled() ? CreationMeta::DEFAULT : CreationMeta::NO_GRAD_MODE;
}

at::Tensor view_of(const at::Tensor& self, at::IntArrayRef sizes, at::IntArrayRef strides, int64_t offset) {
  const at::Tensor view = light_alias(self, sizes, strides, offset);
  return torch::autograd::as_view(self, view, /*is_bw_differentiable=*/true, /*is_fw_differentiable=*/true,
                                  /*view_func=*/nullptr, /*rev_view_func=*/nullptr, creation_meta());
}

}  // namespace

at::Tensor reshaped_view(const at::Tensor& self, at::IntArrayRef shape) {
  const at::DimVector sizes = at::infer_size_dv(shape, self.numel());
  const auto strides = at::detail::computeStride(self.sizes(), self.strides(), sizes);
  return view_of(self, sizes, strides.value(), self.storage_offset());
}

at::Tensor transposed_view(const at::Tensor& self, int64_t dim0, int64_t dim1) {
  at::DimVector sizes(self.sizes()), strides(self.strides());
  std::swap(sizes[dim0], sizes[dim1]);
  std::swap(strides[dim0], strides[dim1]);
  return view_of(self, sizes, strides, self.storage_offset());
}

at::Tensor sliced_view(const at::Tensor& self, int64_t dim, int64_t start, int64_t end, int64_t step) {
  at::DimVector sizes(self.sizes()), strides(self.strides());
  const int64_t length = sizes[dim];
  start = std::clamp(start < 0 ? start + length : start, int64_t{0}, length);
  end = std::clamp(end < 0 ? end + length : end, start, length);
  const int64_t offset = self.storage_offset() + start * strides[dim];
  sizes[dim] = (end - start + step - 1) / step;
  strides[dim] *= step;
  return view_of(self, sizes, strides, offset);
}

}  // namespace noether
