#include "cuda/pool_segments.cuh"

#include "cuda/launch.cuh"
#include "cuda/reals.cuh"

namespace noether::cuda {
namespace {

// A thread for each few channels of a segment, which goes through its rows: neighbouring threads read neighbouring channels, and the
// order of the sum is always the same.
template <typename T, typename O, int Size>
__global__ void __launch_bounds__(kThreads) pool_kernel(Segments segments, const T* values, O* pooled) {
  const int packs = segments.channels / Size;
  const int64_t thread = thread_number(), segment = thread / packs;
  if (segment >= segments.count) return;
  const int64_t channel = thread % packs * Size, first = segment * segments.places;
  float sums[Size] = {};
  int64_t degree = 0;
  for (int64_t row = first; row < first + segments.places; ++row) {
    if (segments.valid && !segments.valid[row]) continue;
    ++degree;
    const auto pack = load<T, Size>(values + row * segments.channels + channel);
    for (int j = 0; j < Size; ++j) sums[j] += widen(pack.values[j]);
  }
  const float divisor = segments.mean && degree > 0 ? static_cast<float>(degree) : 1.F;
  Pack<O, Size> out;
  for (int j = 0; j < Size; ++j) out.values[j] = narrow<O>(sums[j] / divisor);
  store(pooled + segment * segments.channels + channel, out);
}

template <typename T, typename O, int Size>
__global__ void __launch_bounds__(kThreads) spread_kernel(Segments segments, const O* pooled_grad, T* grad) {
  const int packs = segments.channels / Size;
  const int64_t thread = thread_number(), segment = thread / packs;
  if (segment >= segments.count) return;
  const int64_t channel = thread % packs * Size, first = segment * segments.places;
  const int64_t end = first + segments.places;
  int64_t degree = segments.places;
  if (segments.valid && segments.mean) {
    degree = 0;
    for (int64_t row = first; row < end; ++row) degree += segments.valid[row] ? 1 : 0;
  }
  const float divisor = segments.mean && degree > 0 ? static_cast<float>(degree) : 1.F;
  const auto slope = load<O, Size>(pooled_grad + segment * segments.channels + channel);
  Pack<T, Size> share, none;
  for (int j = 0; j < Size; ++j) {
    share.values[j] = narrow<T>(widen(slope.values[j]) / divisor);
    none.values[j] = narrow<T>(0.F);
  }
  for (int64_t row = first; row < end; ++row) {
    const bool counts = !segments.valid || segments.valid[row];
    store(grad + row * segments.channels + channel, counts ? share : none);
  }
}

// Calls body with a value of each type, where there is a kernel for them: one precision, and autocast, where sums are in float32.
template <typename Body>
bool with_types(Real type, Real pooled_type, const Body& body) {
  const auto run = [&](Real t, Real o, auto x, auto y) {
    if (type != t || pooled_type != o) return false;
    body(x, y);
    return true;
  };
  constexpr Real f = Real::kFloat, h = Real::kHalf, b = Real::kBFloat16;
  return run(f, f, float{}, float{}) || run(h, h, __half{}, __half{}) ||
         run(b, b, __nv_bfloat16{}, __nv_bfloat16{}) || run(h, f, __half{}, float{}) ||
         run(b, f, __nv_bfloat16{}, float{});
}

constexpr int kMost = 4;  // values of an access

template <typename T, typename O>
bool is_aligned(const Segments& segments, const void* values, const void* pooled) {
  return segments.channels % kMost == 0 && reinterpret_cast<uintptr_t>(values) % (kMost * sizeof(T)) == 0 &&
         reinterpret_cast<uintptr_t>(pooled) % (kMost * sizeof(O)) == 0;
}

int64_t blocks_of(const Segments& segments, bool wide) {
  return blocks_for(segments.count * (wide ? segments.channels / kMost : segments.channels));
}

}  // namespace

bool pool_segments_takes(Real type, Real pooled_type) {
  return with_types(type, pooled_type, [](auto, auto) {});
}

cudaError_t pool_segments(const Segments& segments, const void* values, void* pooled, cudaStream_t stream) {
  cudaError_t error = cudaErrorInvalidValue;
  with_types(segments.type, segments.pooled_type, [&](auto t, auto o) {
    using T = decltype(t);
    using O = decltype(o);
    const bool wide = is_aligned<T, O>(segments, values, pooled);
    error = launch(wide ? pool_kernel<T, O, kMost> : pool_kernel<T, O, 1>, blocks_of(segments, wide), kThreads, stream,
                   segments, static_cast<const T*>(values), static_cast<O*>(pooled));
  });
  return error;
}

cudaError_t spread_segments(const Segments& segments, const void* pooled_grad, void* grad, cudaStream_t stream) {
  cudaError_t error = cudaErrorInvalidValue;
  with_types(segments.type, segments.pooled_type, [&](auto t, auto o) {
    using T = decltype(t);
    using O = decltype(o);
    const bool wide = is_aligned<T, O>(segments, grad, pooled_grad);
    error = launch(wide ? spread_kernel<T, O, kMost> : spread_kernel<T, O, 1>, blocks_of(segments, wide), kThreads,
                   stream, segments, static_cast<const O*>(pooled_grad), static_cast<T*>(grad));
  });
  return error;
}

}  // namespace noether::cuda
