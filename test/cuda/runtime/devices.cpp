// Devices: as many as FAKE_CUDA_DEVICES says (1), with FAKE_CUDA_MEMORY bytes each (16 GiB), of the generation of an A100,
// for which libtorch takes its own attention kernels and not cuDNN's.
#include <cstdlib>
#include <cstring>

#include "runtime.h"

namespace {

constexpr int kMajor = 8, kMinor = 0, kProcessors = 108, kVersion = 13000;
thread_local int current = 0;
thread_local cudaError_t last_error = cudaSuccess;

size_t from_environment(const char* name, size_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

}  // namespace

namespace fake {

int device_count() {
  static const int count = static_cast<int>(from_environment("FAKE_CUDA_DEVICES", 1));
  return count;
}

int current_device() { return current; }

size_t memory_limit() {
  static const size_t limit = from_environment("FAKE_CUDA_MEMORY", size_t{16} << 30);
  return limit;
}

cudaError_t fail(cudaError_t error) { return last_error = error; }

}  // namespace fake

FAKE_API cudaError_t cudaGetDeviceCount(int* count) {
  *count = fake::device_count();
  return cudaSuccess;
}

FAKE_API cudaError_t cudaGetDevice(int* device) {
  *device = current;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= fake::device_count()) return fake::fail(cudaErrorInvalidDevice);
  current = device;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "Fake CUDA device");
  properties->major = kMajor;
  properties->minor = kMinor;
  properties->multiProcessorCount = kProcessors;
  properties->totalGlobalMem = fake::memory_limit();
  properties->totalConstMem = 65536;
  properties->l2CacheSize = 40 << 20;
  properties->memoryBusWidth = 5120;
  properties->memPitch = 2147483647;
  properties->textureAlignment = 512;
  properties->warpSize = 32;
  properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
  properties->sharedMemPerBlock = 49152;
  properties->sharedMemPerBlockOptin = 166912;
  properties->sharedMemPerMultiprocessor = 167936;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->maxBlocksPerMultiProcessor = 32;
  properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
  properties->maxThreadsDim[2] = 64;
  properties->maxGridSize[0] = 2147483647;
  properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
  properties->unifiedAddressing = properties->concurrentKernels = 1;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = kMajor; break;
    case cudaDevAttrComputeCapabilityMinor: *value = kMinor; break;
    case cudaDevAttrMultiProcessorCount: *value = kProcessors; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = 49152; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 166912; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = 167936; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = 2048; break;
    case cudaDevAttrL2CacheSize: *value = 40 << 20; break;
    case cudaDevAttrWarpSize: *value = 32; break;
    default: *value = 0;
  }
  return cudaSuccess;
}

FAKE_API cudaError_t cudaDeviceGetPCIBusId(char* id, int size, int device) {
  std::snprintf(id, size, "0000:%02d:00.0", device);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
  *can = 0;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaDriverGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}

// ---- errors

FAKE_API cudaError_t cudaPeekAtLastError() { return last_error; }

FAKE_API cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

FAKE_API const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorNotSupported: return "cudaErrorNotSupported";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
    default: return "cudaErrorUnknown";
  }
}

FAKE_API const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorNotSupported: return "operation not supported";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    default: return "unknown error";
  }
}
