#include "tensors.h"

#include "runtime.h"

namespace fake {
namespace {

bool on_device(const at::Tensor& tensor) {
  return tensor.defined() && tensor.is_cuda() && tensor.layout() == at::kStrided;
}

// The same elements, through the host memory behind the device's.
at::Tensor over_host_memory(const at::Tensor& tensor) {
  const auto options = at::TensorOptions().dtype(tensor.scalar_type());
  if (!tensor.has_storage() || tensor.storage().nbytes() == 0)
    return at::empty_strided(tensor.sizes(), tensor.strides(), options);
  const at::DataPtr memory(host(tensor.storage().data()), c10::Device(c10::kCPU));
  const auto size = static_cast<int64_t>(tensor.storage().nbytes());
  const c10::Storage storage(c10::Storage::use_byte_size_t(), size, at::DataPtr(memory.get(), c10::Device(c10::kCPU)),
                             nullptr, false);
  return at::empty({0}, options).set_(storage, tensor.storage_offset(), tensor.sizes(), tensor.strides());
}

at::Tensor copy_for_cpu(const at::Tensor& tensor) {
  return on_device(tensor) ? over_host_memory(tensor).clone(at::MemoryFormat::Preserve) : tensor;
}

template <typename Visit>
void each_tensor(const c10::IValue& value, const Visit& visit) {
  if (value.isTensor()) visit(value.toTensor());
  else if (value.isTensorList()) for (const at::Tensor& tensor : value.toTensorVector()) visit(tensor);
  else if (value.isList()) for (const c10::IValue& entry : value.toListRef()) each_tensor(entry, visit);
}

// An argument for the CPU with each tensor mapped: "cpu" for a device, no generator.
template <typename Map>
c10::IValue mapped(const c10::IValue& value, const Map& map) {
  if (value.isTensor()) return map(value.toTensor());
  if (value.isDevice()) return c10::Device(c10::kCPU);
  if (value.isGenerator()) return c10::IValue();
  if (value.isTensorList()) {
    std::vector<at::Tensor> tensors;
    for (const at::Tensor& tensor : value.toTensorVector()) tensors.push_back(map(tensor));
    return tensors;
  }
  if (value.isList()) {
    auto entries = c10::impl::GenericList(value.toList().elementType());
    for (const c10::IValue& entry : value.toListRef()) entries.push_back(mapped(entry, map));
    return entries;
  }
  return value;
}

bool write_tensor(const at::Tensor& to, const at::Tensor& value) {
  if (!to.defined() || !value.defined()) return true;
  if (to.sizes() != value.sizes()) return false;
  if (value.numel() == 0) return true;
  if (on_device(to)) over_host_memory(to).copy_(value);
  else if (!to.is_same(value)) to.copy_(value);  // a result on the CPU
  return true;
}

}  // namespace

bool any_on_device(const torch::jit::Stack& values) {
  bool any = false;
  for (const c10::IValue& value : values) {
    each_tensor(value, [&](const at::Tensor& tensor) { any = any || on_device(tensor); });
    any = any || (value.isDevice() && value.toDevice().is_cuda());
  }
  return any;
}

c10::DeviceIndex device_of(const torch::jit::Stack& values) {
  c10::DeviceIndex index = 0;
  for (const c10::IValue& value : values) {
    each_tensor(value, [&](const at::Tensor& tensor) { if (on_device(tensor)) index = tensor.device().index(); });
    if (value.isDevice() && value.toDevice().is_cuda() && value.toDevice().has_index()) index = value.toDevice().index();
  }
  return index;
}

c10::IValue on_cpu(const c10::IValue& value) { return mapped(value, copy_for_cpu); }

c10::IValue seen_by_host(const c10::IValue& value) {
  return mapped(value, [](const at::Tensor& tensor) { return on_device(tensor) ? over_host_memory(tensor) : tensor; });
}

c10::IValue by_value(const c10::IValue& value) {
  return value.isDevice() || value.isGenerator() ? value : mapped(value, [](const at::Tensor& tensor) {
    return tensor.defined() && tensor.is_cpu() ? tensor.clone() : tensor;
  });
}

c10::IValue copied(const c10::IValue& value) {
  return mapped(value, [](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.clone(at::MemoryFormat::Preserve) : tensor;
  });
}

bool write(const c10::IValue& to, const c10::IValue& value) {
  if (to.isTensor() && value.isTensor()) return write_tensor(to.toTensor(), value.toTensor());
  if (!to.isTensorList() || !value.isTensorList()) return true;
  const auto tensors = to.toTensorVector(), values = value.toTensorVector();
  TORCH_CHECK(tensors.size() == values.size(), "fake CUDA: lists of different lengths");
  for (size_t i = 0; i < tensors.size(); ++i)
    TORCH_CHECK(write_tensor(tensors[i], values[i]), "fake CUDA: tensors of different sizes in a list");
  return true;
}

}  // namespace fake
