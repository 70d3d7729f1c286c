#include "light_tensors.h"

#include <c10/core/CPUAllocator.h>

#include "small_blocks.h"

namespace noether {

namespace {

struct LightTensor final : c10::TensorImpl, InSmallBlock {
  using TensorImpl::TensorImpl;
};

struct LightStorage final : c10::StorageImpl, InSmallBlock {
  using StorageImpl::StorageImpl;
};

}  // namespace

at::Tensor light_empty(at::IntArrayRef sizes, at::ScalarType type) {
  const caffe2::TypeMeta meta = c10::scalarTypeToTypeMeta(type);
  const auto bytes = static_cast<int64_t>(meta.itemsize()) * c10::multiply_integers(sizes);
  c10::Allocator* allocator = c10::GetCPUAllocator();
  c10::Storage storage(c10::make_intrusive<LightStorage>(c10::StorageImpl::use_byte_size_t(), bytes,
                                                         allocator->allocate(static_cast<size_t>(bytes)), allocator,
                                                         /*resizable=*/true));
  at::Tensor tensor = at::detail::make_tensor<LightTensor>(std::move(storage), c10::DispatchKey::CPU, meta);
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  return tensor;
}

at::Tensor light_alias(const at::Tensor& self, at::IntArrayRef sizes, at::IntArrayRef strides, int64_t offset) {
  at::Tensor tensor = at::detail::make_tensor<LightTensor>(c10::TensorImpl::VIEW, c10::Storage(self.storage()),
                                                           self.key_set(), self.dtype());
  c10::TensorImpl* impl = tensor.unsafeGetTensorImpl();
  impl->set_storage_offset(offset);
  impl->set_sizes_and_strides(sizes, strides);
  return tensor;
}

}  // namespace noether
