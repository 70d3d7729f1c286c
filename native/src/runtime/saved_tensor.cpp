#include "runtime/saved_tensor.h"

#include <torch/csrc/autograd/variable.h>

#include "napi/describe.h"
#include "napi/errors.h"

namespace noether {

namespace impl = torch::autograd::impl;

SavedTensor::SavedTensor(const at::Tensor& tensor)
    : original_(tensor.getIntrusivePtr()), requires_grad_(tensor.requires_grad()), is_leaf_(tensor.is_leaf()) {
  if (tensor.is_inference()) {
    fail("ERR_AUTOGRAD", "tensors of inference mode cannot be saved for backward: save a clone() made outside of it");
  }
  // The same memory and the same count of changes, but a shape of its own.
  data_ = tensor.tensor_data();
  version_ = static_cast<uint32_t>(tensor._version());
  if (requires_grad_) edge_ = impl::gradient_edge(tensor);
}

SavedTensor SavedTensor::of_output(const at::Tensor& tensor, uint32_t output) {
  const at::Tensor detached = tensor.tensor_data();
  SavedTensor saved(detached);
  saved.original_ = c10::weak_intrusive_ptr<c10::TensorImpl>(tensor.getIntrusivePtr());
  saved.requires_grad_ = true;
  saved.is_leaf_ = false;
  saved.is_output_ = true;
  saved.edge_.input_nr = output;
  return saved;
}

at::Tensor SavedTensor::unpack(const NodePointer& node) const {
  check_version();
  at::Tensor tensor;
  if (!requires_grad_) {
    tensor = torch::autograd::make_variable(data_);
  } else if (is_leaf_) {
    tensor = torch::autograd::make_variable(data_, /*requires_grad=*/true);
    impl::set_grad_accumulator(tensor, weak(edge_.function));
  } else {
    tensor = torch::autograd::make_variable(data_,
                                            torch::autograd::Edge(is_output_ ? node : edge_.function, edge_.input_nr));
  }
  impl::set_version_counter(tensor, impl::version_counter(data_));
  return tensor;
}

void SavedTensor::check_version() const {
  const auto version = impl::version_counter(data_).current_version();
  if (version == version_) return;
  // In-place changes of the shape count as well, but leave the data as it is.
  if (version == version_ + 1) {
    const auto original = original_.lock();
    if (original && (original->sizes() != data_.sizes() || original->strides() != data_.strides() ||
                     original->storage_offset() != data_.storage_offset() ||
                     !original->storage().is_alias_of(data_.storage()))) {
      return;
    }
  }
  fail("ERR_AUTOGRAD", "a tensor saved for backward, " + describe(data_) +
                           ", was changed in place since: save a clone(), or use the operator that makes a new tensor");
}

}  // namespace noether
