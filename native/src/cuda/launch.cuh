// How kernels are launched, and what is known of warps. Device code only.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace noether::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kThreads = 256;  // of a block, unless a kernel says otherwise

#ifdef __CUDACC__
// No blocks are no launch: an empty grid is an error of CUDA's.
template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, int threads, cudaStream_t stream,
                   Arguments... arguments) {
  if (blocks <= 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidConfiguration;
  kernel<<<static_cast<unsigned>(blocks), threads, 0, stream>>>(static_cast<Parameters>(arguments)...);
  return cudaGetLastError();
}
#endif

inline int64_t blocks_for(int64_t threads) {
  return (threads + kThreads - 1) / kThreads;
}

inline int64_t blocks_for_warps(int64_t warps) {
  return blocks_for(warps * kWarp);
}

__device__ inline int64_t thread_number() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ inline int64_t thread_count() {
  return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

}  // namespace noether::cuda
