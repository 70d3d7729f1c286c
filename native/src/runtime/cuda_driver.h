// What NVIDIA's driver says of itself and of its devices. The driver's library is opened when it is asked for, so that the addon
// neither needs CUDA's headers nor a driver.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace noether {

struct CudaDriver {
  bool found;    // libcuda.so.1 is there
  int version;   // newest CUDA that it runs: 13000 for 13.0; 0: unknown
  int failure;   // of its initialization: 0 none, 100 no device, other CUresult codes
};

// Asked once per process.
const CudaDriver& cuda_driver();

struct CudaDeviceProperties {
  std::string name;
  uint64_t total_memory = 0;
  std::array<uint8_t, 16> uuid{};
  int major = 0, minor = 0;
  int multiprocessors = 0;
  int warp_size = 0;
  int max_threads_per_block = 0, max_threads_per_multiprocessor = 0;
  int registers_per_multiprocessor = 0;
  int shared_memory_per_block = 0, shared_memory_per_block_optin = 0, shared_memory_per_multiprocessor = 0;
  int l2_cache_bytes = 0;
  int memory_bus_bits = 0;
  int is_integrated = 0;
  int pci_domain = 0, pci_bus = 0, pci_device = 0;
};

// Of a device that is there; throws where the driver does not answer.
CudaDeviceProperties cuda_device_properties(int index);

}  // namespace noether
