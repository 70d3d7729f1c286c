#include "runtime/cuda_driver.h"

#if defined(__linux__)
#include <dlfcn.h>
#endif

#include "napi/errors.h"

namespace noether {

namespace {

// The driver's interface keeps these signatures and numbers from version to version.
using Result = int;

void* driver_function(const char* name) {
#if defined(__linux__)
  static void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  return library ? dlsym(library, name) : nullptr;
#else
  static_cast<void>(name);
  return nullptr;
#endif
}

template <typename... Types>
Result call(const char* name, Types... arguments) {
  const auto function = reinterpret_cast<Result (*)(Types...)>(driver_function(name));
  if (!function) fail("ERR_CUDA", std::string("NVIDIA's driver has no function ") + name);
  return function(arguments...);
}

void ask(const char* name, Result result) {
  if (result != 0) fail("ERR_CUDA", std::string(name) + " of NVIDIA's driver failed with error " + std::to_string(result));
}

CudaDriver find_driver() {
  CudaDriver driver{driver_function("cuInit") != nullptr, 0, 0};
  if (!driver.found) return driver;
  driver.failure = call("cuInit", 0U);
  int version = 0;
  if (driver_function("cuDriverGetVersion") && call("cuDriverGetVersion", &version) == 0) driver.version = version;
  return driver;
}

}  // namespace

const CudaDriver& cuda_driver() {
  static const CudaDriver driver = find_driver();
  return driver;
}

CudaDeviceProperties cuda_device_properties(int index) {
  const CudaDriver& driver = cuda_driver();
  if (!driver.found) fail("ERR_CUDA", "NVIDIA's driver, libcuda.so.1, was not found");
  ask("cuInit", driver.failure);
  int device = 0;
  ask("cuDeviceGet", call("cuDeviceGet", &device, index));
  CudaDeviceProperties result;
  std::array<char, 256> name{};
  ask("cuDeviceGetName", call("cuDeviceGetName", name.data(), static_cast<int>(name.size()) - 1, device));
  result.name = name.data();
  size_t bytes = 0;
  ask("cuDeviceTotalMem", call("cuDeviceTotalMem_v2", &bytes, device));
  result.total_memory = bytes;
  ask("cuDeviceGetUuid", call("cuDeviceGetUuid", result.uuid.data(), device));
  // The numbers are those of CUdevice_attribute.
  const struct {
    int attribute;
    int& value;
  } attributes[] = {
      {1, result.max_threads_per_block},
      {8, result.shared_memory_per_block},
      {10, result.warp_size},
      {16, result.multiprocessors},
      {18, result.is_integrated},
      {33, result.pci_bus},
      {34, result.pci_device},
      {37, result.memory_bus_bits},
      {38, result.l2_cache_bytes},
      {39, result.max_threads_per_multiprocessor},
      {50, result.pci_domain},
      {75, result.major},
      {76, result.minor},
      {81, result.shared_memory_per_multiprocessor},
      {82, result.registers_per_multiprocessor},
      {97, result.shared_memory_per_block_optin},
  };
  for (const auto& [attribute, value] : attributes) {
    ask("cuDeviceGetAttribute", call("cuDeviceGetAttribute", &value, attribute, device));
  }
  return result;
}

}  // namespace noether
