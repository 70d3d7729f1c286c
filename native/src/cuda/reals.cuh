// Types of 16 bits in float32 arithmetic, and vectors of values that lie next to each other.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace noether::cuda {

__device__ __forceinline__ float widen(float value) {
  return value;
}
__device__ __forceinline__ float widen(__half value) {
  return __half2float(value);
}
__device__ __forceinline__ float widen(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

template <typename T>
__device__ __forceinline__ T narrow(float value);
template <>
__device__ __forceinline__ float narrow<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ __half narrow<__half>(float value) {
  return __float2half_rn(value);
}
template <>
__device__ __forceinline__ __nv_bfloat16 narrow<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

// `Size` values that are read and written in one access.
template <typename T, int Size>
struct alignas(sizeof(T) * Size) Pack {
  T values[Size];
};

template <typename T, int Size>
__device__ __forceinline__ Pack<T, Size> load(const T* from) {
  return *reinterpret_cast<const Pack<T, Size>*>(from);
}

template <typename T, int Size>
__device__ __forceinline__ void store(T* to, const Pack<T, Size>& pack) {
  *reinterpret_cast<Pack<T, Size>*>(to) = pack;
}

}  // namespace noether::cuda
