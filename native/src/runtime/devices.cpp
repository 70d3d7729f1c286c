// Devices that compute beside the CPU: which there are, their streams and events. All through libtorch's interfaces that
// every backend implements, so that one addon serves a libtorch with CUDA and one without.
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "exports.h"
#include "napi/arguments.h"
#include "runtime/cuda_driver.h"
#include "runtime/devices.h"

namespace noether {

at::Device accelerator(const Arguments& arguments, size_t index, const char* name) {
  const at::Device device(arguments.string(index, name));
  if (device.is_cpu() || device.is_meta()) {
    fail("ERR_ARGUMENT", "expected a device beside the CPU, such as \"cuda:0\", got \"" + device.str() + "\"");
  }
  const c10::impl::VirtualGuardImpl guard(device.type());
  const int count = guard.deviceCount();
  if (device.index() >= count) {
    fail("ERR_ARGUMENT", "expected the number of a device that is there, below " + std::to_string(count) + ", got \"" +
                             device.str() + "\"");
  }
  at::globalContext().lazyInitDevice(device.type());
  return device.has_index() ? device : guard.getDevice();
}

namespace {

c10::impl::VirtualGuardImpl guard_of(at::Device device) { return c10::impl::VirtualGuardImpl(device.type()); }

at::Device device_argument(const Arguments& arguments, size_t index = 0) {
  return accelerator(arguments, index, "device");
}

// Two arguments: the device, and the stream's id there.
c10::Stream stream_argument(const Arguments& arguments, size_t index) {
  const at::Device device = device_argument(arguments, index);
  return c10::Stream(c10::Stream::UNSAFE, device, arguments.integer(index + 1, "stream"));
}

Napi::Value id_of(const Arguments& arguments, const c10::Stream& stream) {
  return Napi::Number::New(arguments.env(), static_cast<double>(stream.id()));
}

Napi::Value cuda_status(Addon&, const Arguments& arguments) {
  const auto& hooks = at::detail::getCUDAHooks();
  const bool built = hooks.hasCUDART();
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("built", built);
  result.Set("devices", built ? hooks.getNumGPUs() : 0);
  result.Set("runtimeVersion", built ? static_cast<double>(hooks.versionCUDART()) : 0.0);
  const bool has_cudnn = built && hooks.compiledWithCuDNN();
  result.Set("cudnnVersion", has_cudnn ? static_cast<double>(hooks.versionCuDNN()) : 0.0);
  const CudaDriver driver = built ? cuda_driver() : CudaDriver{};
  result.Set("driverFound", driver.found);
  result.Set("driverVersion", driver.version);
  result.Set("driverFailure", driver.failure);
  return result;
}

Napi::Value device_properties(Addon&, const Arguments& arguments) {
  const CudaDeviceProperties properties = cuda_device_properties(device_argument(arguments).index());
  std::string uuid;
  for (size_t i = 0; i < properties.uuid.size(); ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    uuid += kDigits[properties.uuid[i] >> 4];
    uuid += kDigits[properties.uuid[i] & 15];
  }
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("name", properties.name);
  result.Set("major", properties.major);
  result.Set("minor", properties.minor);
  result.Set("totalMemory", static_cast<double>(properties.total_memory));
  result.Set("multiProcessorCount", properties.multiprocessors);
  result.Set("warpSize", properties.warp_size);
  result.Set("maxThreadsPerBlock", properties.max_threads_per_block);
  result.Set("maxThreadsPerMultiProcessor", properties.max_threads_per_multiprocessor);
  result.Set("regsPerMultiprocessor", properties.registers_per_multiprocessor);
  result.Set("sharedMemoryPerBlock", properties.shared_memory_per_block);
  result.Set("sharedMemoryPerBlockOptin", properties.shared_memory_per_block_optin);
  result.Set("sharedMemoryPerMultiprocessor", properties.shared_memory_per_multiprocessor);
  result.Set("l2CacheSize", properties.l2_cache_bytes);
  result.Set("memoryBusWidth", properties.memory_bus_bits);
  result.Set("isIntegrated", properties.is_integrated != 0);
  result.Set("uuid", uuid);
  result.Set("pciDomainId", properties.pci_domain);
  result.Set("pciBusId", properties.pci_bus);
  result.Set("pciDeviceId", properties.pci_device);
  return result;
}

Napi::Value current_device(Addon&, const Arguments& arguments) {
  const at::Device device = device_argument(arguments);
  return Napi::Number::New(arguments.env(), guard_of(device).getDevice().index());
}

Napi::Value set_device(Addon&, const Arguments& arguments) {
  const at::Device device = device_argument(arguments);
  guard_of(device).setDevice(device);
  return arguments.env().Undefined();
}

Napi::Value synchronize_device(Addon&, const Arguments& arguments) {
  const at::Device device = device_argument(arguments);
  guard_of(device).synchronizeDevice(device.index());
  return arguments.env().Undefined();
}

// ---- streams

Napi::Value new_stream(Addon&, const Arguments& arguments) {
  const at::Device device = device_argument(arguments);
  return id_of(arguments, guard_of(device).getNewStream(device, static_cast<int>(arguments.integer(1, "priority"))));
}

Napi::Value current_stream(Addon&, const Arguments& arguments) {
  const at::Device device = device_argument(arguments);
  return id_of(arguments, guard_of(device).getStream(device));
}

Napi::Value default_stream(Addon&, const Arguments& arguments) {
  const at::Device device = device_argument(arguments);
  return id_of(arguments, guard_of(device).getDefaultStream(device));
}

Napi::Value set_stream(Addon&, const Arguments& arguments) {
  const c10::Stream stream = stream_argument(arguments, 0);
  return id_of(arguments, guard_of(stream.device()).exchangeStream(stream));
}

Napi::Value query_stream(Addon&, const Arguments& arguments) {
  const c10::Stream stream = stream_argument(arguments, 0);
  return Napi::Boolean::New(arguments.env(), guard_of(stream.device()).queryStream(stream));
}

Napi::Value synchronize_stream(Addon&, const Arguments& arguments) {
  const c10::Stream stream = stream_argument(arguments, 0);
  guard_of(stream.device()).synchronizeStream(stream);
  return arguments.env().Undefined();
}

Napi::Value record_stream(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const c10::Stream stream = stream_argument(arguments, 1);
  if (tensor.device() != stream.device()) {
    fail("ERR_ARGUMENT", "expected a tensor on the stream's device, " + stream.device().str() + ", got one on " +
                             tensor.device().str());
  }
  tensor.record_stream(stream);
  return arguments.env().Undefined();
}

// ---- events

c10::Event& event_argument(const Arguments& arguments, size_t index) {
  if (!arguments[index].IsExternal()) fail("ERR_ARGUMENT", "internal: expected an event");
  return *arguments[index].As<Napi::External<c10::Event>>().Data();
}

Napi::Value new_event(Addon&, const Arguments& arguments) {
  const at::Device device = device_argument(arguments);
  const bool timing = arguments.boolean(1, "timing");
  auto* event =
      new c10::Event(device.type(), timing ? c10::EventFlag::BACKEND_DEFAULT : c10::EventFlag::PYTORCH_DEFAULT);
  return Napi::External<c10::Event>::New(arguments.env(), event, [](Napi::Env, c10::Event* ended) { delete ended; });
}

Napi::Value record_event(Addon&, const Arguments& arguments) {
  event_argument(arguments, 0).record(stream_argument(arguments, 1));
  return arguments.env().Undefined();
}

Napi::Value wait_event(Addon&, const Arguments& arguments) {
  event_argument(arguments, 0).block(stream_argument(arguments, 1));
  return arguments.env().Undefined();
}

Napi::Value query_event(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), event_argument(arguments, 0).query());
}

Napi::Value synchronize_event(Addon&, const Arguments& arguments) {
  event_argument(arguments, 0).synchronize();
  return arguments.env().Undefined();
}

Napi::Value elapsed_time(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), event_argument(arguments, 0).elapsedTime(event_argument(arguments, 1)));
}

}  // namespace

void export_devices(Napi::Env, Napi::Object exports) {
  define<cuda_status>(exports, "cudaStatus");
  define<device_properties>(exports, "deviceProperties");
  define<current_device>(exports, "currentDevice");
  define<set_device>(exports, "setDevice");
  define<synchronize_device>(exports, "synchronizeDevice");
  define<new_stream>(exports, "newStream");
  define<current_stream>(exports, "currentStream");
  define<default_stream>(exports, "defaultStream");
  define<set_stream>(exports, "setStream");
  define<query_stream>(exports, "queryStream");
  define<synchronize_stream>(exports, "synchronizeStream");
  define<record_stream>(exports, "recordStream");
  define<new_event>(exports, "newEvent");
  define<record_event>(exports, "recordEvent");
  define<wait_event>(exports, "waitEvent");
  define<query_event>(exports, "queryEvent");
  define<synchronize_event>(exports, "synchronizeEvent");
  define<elapsed_time>(exports, "elapsedTime");
}

}  // namespace noether
