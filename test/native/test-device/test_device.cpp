// A device that every machine has: libtorch's PrivateUse1, with memory of the host at addresses that nobody may touch.
// Operators run on the CPU; code that reads a tensor's memory without asking where it lies ends the process, as it would
// crash or return nonsense with a GPU.
#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_as_complex_native.h>
#include <ATen/ops/view_as_real_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <node_api.h>
#include <sys/mman.h>
#include <torch/library.h>

#include <atomic>
#include <cstring>

namespace {

constexpr auto kDevice = c10::DeviceType::PrivateUse1;

// ---- memory: device addresses, and at a fixed distance the host's; never used again, as tests are small

constexpr size_t kSize = size_t{4} << 30;

class Memory final : public c10::Allocator {
 public:
  Memory() {
    void* pages = mmap(nullptr, 2 * kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TORCH_CHECK(pages != MAP_FAILED && mprotect(static_cast<char*>(pages) + kSize, kSize, PROT_READ | PROT_WRITE) == 0,
                "test device: no address space");
    next_ = static_cast<char*>(pages);
    end_ = next_ + kSize;
  }
  c10::DataPtr allocate(size_t bytes) override {
    char* begin = next_.fetch_add(static_cast<ptrdiff_t>((bytes + 63) / 64 * 64));
    TORCH_CHECK_WITH(OutOfMemoryError, begin + bytes <= end_, "test device: out of memory");
    return {begin, begin, &release, c10::Device(kDevice, 0)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(host(to), host(from), bytes); }
  static void* host(const void* address) { return const_cast<char*>(static_cast<const char*>(address)) + kSize; }

 private:
  static void release(void*) {}
  std::atomic<char*> next_;
  char* end_;
};

Memory& memory() {
  static auto* one = new Memory;
  return *one;
}

// ---- one device with one stream, whose work is done at once

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kDevice; }
  c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
  c10::Device getDevice() const override { return {kDevice, 0}; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
  void recordDataPtrOnStream(const c10::DataPtr&, const c10::Stream&) const override {}
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  at::Device getDeviceFromPtr(void*) const override { return {kDevice, 0}; }
};

// ---- operators: those about memory are the device's, all others the CPU's on copies

at::Tensor seen_by_host(const at::Tensor& tensor) {
  if (tensor.device().type() != kDevice) return tensor;
  const c10::Storage storage(
      c10::Storage::use_byte_size_t(), static_cast<int64_t>(tensor.storage().nbytes()),
      at::DataPtr(Memory::host(tensor.storage().data()), c10::Device(c10::kCPU)), nullptr, false);
  at::Tensor host = at::empty({0}, at::TensorOptions().dtype(tensor.scalar_type()));
  return host.set_(storage, tensor.storage_offset(), tensor.sizes(), tensor.strides());
}

at::Tensor empty(c10::SymIntArrayRef sizes, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(sizes), &memory(),
                                   c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::dtype_or_default(dtype),
                                   format);
}

at::Tensor empty_strided(c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides, std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(C10_AS_INTARRAYREF_SLOW(sizes), C10_AS_INTARRAYREF_SLOW(strides), &memory(),
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(dtype));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  seen_by_host(to).copy_(seen_by_host(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  return copy_from(from, to, false);
}

at::Scalar item(const at::Tensor& tensor) { return seen_by_host(tensor).item(); }

const at::Tensor& resize_(const at::Tensor& self, c10::SymIntArrayRef sizes, std::optional<at::MemoryFormat>) {
  self.unsafeGetTensorImpl()->set_sizes_contiguous(C10_AS_INTARRAYREF_SLOW(sizes));
  auto* storage = self.storage().unsafeGetStorageImpl();
  const size_t bytes = (self.numel() + self.storage_offset()) * self.itemsize();
  if (bytes <= storage->nbytes()) return self;
  c10::DataPtr larger = memory().allocate(bytes);
  memory().copy_data(larger.get(), storage->data(), storage->nbytes());
  storage->set_data_ptr_noswap(std::move(larger));
  storage->set_nbytes(bytes);
  return self;
}

int64_t attention_choice(const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                         double, bool, std::optional<double>, bool) {
  return 0;  // the composition
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", TORCH_FN(empty));
  library.impl("empty_strided", TORCH_FN(empty_strided));
  library.impl("_copy_from", TORCH_FN(copy_from));
  library.impl("_copy_from_and_resize", TORCH_FN(copy_from_and_resize));
  library.impl("_local_scalar_dense", TORCH_FN(item));
  library.impl("resize_", TORCH_FN(resize_));
  library.impl("as_strided", TORCH_FN(at::native::as_strided_tensorimpl));
  library.impl("view", TORCH_FN(at::native::view));
  library.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
  library.impl("unfold", TORCH_FN(at::native::unfold));
  library.impl("view_as_real", TORCH_FN(at::native::view_as_real));
  library.impl("view_as_complex", TORCH_FN(at::native::view_as_complex));
  library.impl("set_.source_Storage_storage_offset", TORCH_FN(at::native::set_storage_cpu_));
  library.impl("_fused_sdp_choice", TORCH_FN(attention_choice));
}

void on_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) { at::native::cpu_fallback(op, stack); }

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_cpu>());
}

}  // namespace

NAPI_MODULE_INIT() {
  c10::register_privateuse1_backend("testdevice");
  c10::SetAllocator(kDevice, &memory());
  at::RegisterPrivateUse1HooksInterface(new Hooks);
  return exports;
}
