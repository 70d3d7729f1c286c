#include "cuda/lion.cuh"

#include "cuda/launch.cuh"
#include "cuda/reals.cuh"

namespace noether::cuda {
namespace {

// As many tensors as fit into the 32764 bytes that a kernel may have as parameters: no copy to the device is needed,
// and a captured graph keeps them.
constexpr int kTensors = 800;
constexpr int64_t kPiece = 16384;  // values of a block

struct Batch {
  LionTensor tensors[kTensors];
  int ends[kTensors];  // blocks up to the end of each
  int count;
};
static_assert(sizeof(Batch) + sizeof(LionRates) <= 32764);

// Rounded as on the CPU.
__device__ __forceinline__ void update(float& p, float g, float& m, const LionRates& r) {
  const float direction = __fmaf_rn(g, r.rest1, __fmul_rn(m, r.beta1));
  // As torch.sign: 0 for 0, and for what is not a number.
  const float sign = static_cast<float>(direction > 0.F) - static_cast<float>(direction < 0.F);
  p = __fmaf_rn(sign, r.step, __fmul_rn(p, r.decay));
  m = __fmaf_rn(g, r.rest2, __fmul_rn(m, r.beta2));
}

__device__ __forceinline__ bool aligned(const void* p) {
  return reinterpret_cast<uintptr_t>(p) % 16 == 0;
}

__global__ void __launch_bounds__(kThreads) lion_kernel(const __grid_constant__ Batch batch, LionRates rates) {
  const int block = static_cast<int>(blockIdx.x);
  int low = 0, high = batch.count - 1;  // the first tensor whose end is behind this block
  while (low < high) {
    const int middle = (low + high) / 2;
    if (batch.ends[middle] <= block)
      low = middle + 1;
    else
      high = middle;
  }
  const LionTensor& t = batch.tensors[low];
  const int64_t piece = block - (low > 0 ? batch.ends[low - 1] : 0);
  const int64_t begin = piece * kPiece, end = begin + kPiece < t.count ? begin + kPiece : t.count;
  int64_t i = begin + threadIdx.x;
  if (aligned(t.param) && aligned(t.grad) && aligned(t.momentum)) {
    const int64_t whole = end - (end - begin) % 4;
    for (int64_t v = begin + 4 * static_cast<int64_t>(threadIdx.x); v < whole; v += 4 * kThreads) {
      auto p = load<float, 4>(t.param + v), m = load<float, 4>(t.momentum + v);
      const auto g = load<float, 4>(t.grad + v);
      for (int j = 0; j < 4; ++j) update(p.values[j], g.values[j], m.values[j], rates);
      store(t.param + v, p);
      store(t.momentum + v, m);
    }
    i = whole + threadIdx.x;
  }
  for (; i < end; i += kThreads) update(t.param[i], t.grad[i], t.momentum[i], rates);
}

}  // namespace

cudaError_t lion(const LionTensor* tensors, int64_t count, const LionRates& rates, cudaStream_t stream) {
  Batch batch;
  batch.count = 0;
  int64_t blocks = 0;
  const auto flush = [&] {
    const cudaError_t error = launch(lion_kernel, blocks, kThreads, stream, batch, rates);
    batch.count = 0;
    blocks = 0;
    return error;
  };
  for (int64_t i = 0; i < count; ++i) {
    if (tensors[i].count == 0) continue;
    const int64_t more = (tensors[i].count + kPiece - 1) / kPiece;
    if (batch.count == kTensors || blocks + more > INT32_MAX) {
      const cudaError_t error = flush();
      if (error != cudaSuccess) return error;
    }
    blocks += more;
    batch.tensors[batch.count] = tensors[i];
    batch.ends[batch.count++] = static_cast<int>(blocks);
  }
  return flush();
}

}  // namespace noether::cuda
