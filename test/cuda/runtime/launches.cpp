// Kernels do nothing and are counted by name. Each library registers its kernels when it is loaded, with the address of
// the host function that stands for the kernel.
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime.h"

namespace {

std::mutex mutex;

std::unordered_map<const void*, std::string>& names() {
  static auto* all = new std::unordered_map<const void*, std::string>;
  return *all;
}

std::string name_of(const void* kernel) {
  const std::lock_guard lock(mutex);
  const auto found = names().find(kernel);
  return found == names().end() ? "launch of an unknown kernel" : "launch " + found->second;
}

struct Configuration {
  dim3 grid, block;
  size_t shared_memory;
  cudaStream_t stream;
};
thread_local std::vector<Configuration> configurations;

cudaError_t launch(const void* kernel, cudaStream_t stream) {
  fake::enqueue(stream, name_of(kernel));
  return cudaSuccess;
}

}  // namespace

// ---- what nvcc's host code calls (crt/host_runtime.h)

FAKE_API void** __cudaRegisterFatBinary(void*) {
  static void* module = nullptr;
  return &module;
}
FAKE_API void __cudaRegisterFatBinaryEnd(void**) {}
FAKE_API void __cudaUnregisterFatBinary(void**) {}
FAKE_API char __cudaInitModule(void**) { return 0; }
FAKE_API void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int) {}

FAKE_API void __cudaRegisterFunction(void**, const char* kernel, char*, const char* name, int, void*, void*, void*,
                                     void*, int*) {
  const std::lock_guard lock(mutex);
  names()[kernel] = name;
}

FAKE_API unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_memory, cudaStream_t stream) {
  configurations.push_back({grid, block, shared_memory, stream});
  return 0;
}

FAKE_API cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared_memory, void* stream) {
  if (configurations.empty()) return fake::fail(cudaErrorMissingConfiguration);
  const Configuration last = configurations.back();
  configurations.pop_back();
  *grid = last.grid;
  *block = last.block;
  *shared_memory = last.shared_memory;
  *static_cast<cudaStream_t*>(stream) = last.stream;
  return cudaSuccess;
}

FAKE_API cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = static_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}

FAKE_API cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3, dim3, void**, size_t, cudaStream_t stream) {
  return launch(kernel, stream);
}

// ---- the runtime's own

FAKE_API cudaError_t cudaLaunchKernel(const void* kernel, dim3, dim3, void**, size_t, cudaStream_t stream) {
  return launch(kernel, stream);
}

FAKE_API cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* configuration, const void* kernel, void**) {
  return launch(kernel, configuration->stream);
}

FAKE_API cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {};
  attributes->maxThreadsPerBlock = 1024;
  attributes->numRegs = 32;
  attributes->ptxVersion = attributes->binaryVersion = 80;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }

FAKE_API cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*, int, size_t,
                                                                            unsigned) {
  *blocks = 8;
  return cudaSuccess;
}
