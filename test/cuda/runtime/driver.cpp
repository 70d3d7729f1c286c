// The functions of the driver that libtorch looks at before it asks the runtime. The library that these files make has
// the driver's name, libcuda.so.1, so that nothing needs a driver to be installed; what else the driver has is in the
// generated file (see ../build.mjs) and answers "not supported".
#include <cuda.h>
#include <dlfcn.h>

#include "runtime.h"

#undef cuDevicePrimaryCtxGetState
#define FAKE_CONTEXT reinterpret_cast<CUcontext>(0x8)

FAKE_API CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

FAKE_API CUresult cuCtxGetCurrent(CUcontext* context) {
  *context = FAKE_CONTEXT;
  return CUDA_SUCCESS;
}
FAKE_API CUresult cuCtxSetCurrent(CUcontext) { return CUDA_SUCCESS; }

FAKE_API CUresult cuDevicePrimaryCtxGetState(CUdevice, unsigned* flags, int* active) {
  *flags = 0;
  *active = 1;
  return CUDA_SUCCESS;
}

FAKE_API CUresult cuGetErrorString(CUresult, const char** text) {
  *text = "error of the fake driver";
  return CUDA_SUCCESS;
}

FAKE_API CUresult fake_not_supported() { return CUDA_ERROR_NOT_SUPPORTED; }

FAKE_API cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long,
                                                      cudaDriverEntryPointQueryResult* status) {
  *function = dlsym(RTLD_DEFAULT, name);
  if (!*function) *function = reinterpret_cast<void*>(&fake_not_supported);
  if (status) *status = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}

// Every variable on the device is the same zeroed megabyte: no kernel reads it.
FAKE_API cudaError_t cudaGetSymbolAddress(void** address, const void*) {
  static void* const memory = [] {
    void* allocated = nullptr;
    cudaMalloc(&allocated, size_t{1} << 20);
    return allocated;
  }();
  *address = memory;
  return cudaSuccess;
}
