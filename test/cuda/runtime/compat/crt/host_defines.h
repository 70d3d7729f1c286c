// The header of CUDA's compiler that cuda_runtime_api.h includes and the wheels of the runtime lack: for a C++ compiler
// its attributes are empty. Only found where the real one is not.
#pragma once
#define __host__
#define __device__
#define __global__
#define __device_builtin__
#define __device_builtin_texture_type__
#define __device_builtin_surface_type__
#define __cudart_builtin__
#define __builtin_align__(n) __attribute__((aligned(n)))
#define __align__(n) __attribute__((aligned(n)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define CUDARTAPI
#define CUDARTAPI_CDECL
