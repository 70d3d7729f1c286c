#include "cuda/modulated_norm.cuh"

#include <type_traits>

#include "cuda/launch.cuh"
#include "cuda/reals.cuh"

namespace noether::cuda {
namespace {

// The same sum in every lane.
__device__ __forceinline__ float warp_sum(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2) value += __shfl_xor_sync(kAllLanes, value, step);
  return value;
}

// Calls body(channel, values of the row from there on) for the channels of a lane.
template <int Size, typename T, typename Body>
__device__ __forceinline__ void for_channels(const T* row, int channels, const Body& body) {
  for (int d = static_cast<int>(threadIdx.x % kWarp) * Size; d < channels; d += kWarp * Size) {
    body(d, load<T, Size>(row + d));
  }
}

// A warp for each row.
template <typename T, typename S, typename O, int Size>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(ModulatedNorm norm, O* y, float* mean_out, float* inverse_out) {
  const int64_t row = thread_number() / kWarp;
  if (row >= norm.samples * norm.rows) return;
  const int64_t sample = row / norm.rows;
  const int channels = norm.channels;
  const T* x = static_cast<const T*>(norm.x) + row * channels;
  const S* scale = static_cast<const S*>(norm.scale) + sample * norm.scale_stride;
  const S* shift = static_cast<const S*>(norm.shift) + sample * norm.shift_stride;

  float sum = 0;
  for_channels<Size>(x, channels, [&](int, const Pack<T, Size>& values) {
    for (int j = 0; j < Size; ++j) sum += widen(values.values[j]);
  });
  const float mean = warp_sum(sum) / static_cast<float>(channels);
  float squares = 0;
  for_channels<Size>(x, channels, [&](int, const Pack<T, Size>& values) {
    for (int j = 0; j < Size; ++j) {
      const float centred = widen(values.values[j]) - mean;
      squares += centred * centred;
    }
  });
  const float inverse = rsqrtf(warp_sum(squares) / static_cast<float>(channels) + norm.eps);
  for_channels<Size>(x, channels, [&](int d, const Pack<T, Size>& values) {
    const auto factor = load<S, Size>(scale + d), offset = load<S, Size>(shift + d);
    Pack<O, Size> out;
    for (int j = 0; j < Size; ++j) {
      const float normal = (widen(values.values[j]) - mean) * inverse;
      out.values[j] = narrow<O>(normal * (1.F + widen(factor.values[j])) + widen(offset.values[j]));
    }
    store(y + row * channels + d, out);
  });
  if (threadIdx.x % kWarp == 0) {
    mean_out[row] = mean;
    inverse_out[row] = inverse;
  }
}

// With n the normalised row and h = grad (1 + scale): grad_x = (h - mean(h) - n mean(h n)) inverse. A warp for each
// row.
template <typename T, typename S, typename O, int Size>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(ModulatedNorm norm, const O* grad, const float* means, const float* inverses, T* grad_x) {
  const int64_t row = thread_number() / kWarp;
  if (row >= norm.samples * norm.rows) return;
  const int64_t sample = row / norm.rows;
  const int channels = norm.channels;
  const T* x = static_cast<const T*>(norm.x) + row * channels;
  const S* scale = static_cast<const S*>(norm.scale) + sample * norm.scale_stride;
  const float mean = means[row], inverse = inverses[row];
  grad += row * channels;

  float sum = 0, product = 0;
  for_channels<Size>(x, channels, [&](int d, const Pack<T, Size>& values) {
    const auto factor = load<S, Size>(scale + d);
    const auto slope = load<O, Size>(grad + d);
    for (int j = 0; j < Size; ++j) {
      const float h = widen(slope.values[j]) * (1.F + widen(factor.values[j]));
      sum += h;
      product += h * (widen(values.values[j]) - mean) * inverse;
    }
  });
  const float mean_h = warp_sum(sum) / static_cast<float>(channels);
  const float mean_product = warp_sum(product) / static_cast<float>(channels);
  for_channels<Size>(x, channels, [&](int d, const Pack<T, Size>& values) {
    const auto factor = load<S, Size>(scale + d);
    const auto slope = load<O, Size>(grad + d);
    Pack<T, Size> out;
    for (int j = 0; j < Size; ++j) {
      const float h = widen(slope.values[j]) * (1.F + widen(factor.values[j]));
      const float normal = (widen(values.values[j]) - mean) * inverse;
      out.values[j] = narrow<T>((h - mean_h - normal * mean_product) * inverse);
    }
    store(grad_x + row * channels + d, out);
  });
}

constexpr int kChunk = 256;                  // rows
constexpr int kRowLanes = kThreads / kWarp;  // rows that a block reads at once, 32 channels of each

// Sums over a chunk of rows of 32 channels: of grad n and of grad.
template <typename T, typename O>
__global__ void __launch_bounds__(kThreads) partial_kernel(ModulatedNorm norm, const O* grad, const float* means,
                                                           const float* inverses, int64_t chunks, float* partial) {
  __shared__ float sums[2][kRowLanes][kWarp];
  const int tiles = (norm.channels + kWarp - 1) / kWarp;
  const int64_t block = blockIdx.x;
  const int64_t tile = block % tiles, chunk = block / tiles % chunks, sample = block / tiles / chunks;
  const int lane = static_cast<int>(threadIdx.x) % kWarp, row_lane = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t channel = tile * kWarp + lane;
  float product = 0, sum = 0;
  if (channel < norm.channels) {
    const int64_t end = (chunk + 1) * kChunk < norm.rows ? (chunk + 1) * kChunk : norm.rows;
    for (int64_t n = chunk * kChunk + row_lane; n < end; n += kRowLanes) {
      const int64_t row = sample * norm.rows + n, place = row * norm.channels + channel;
      const float slope = widen(grad[place]);
      product += slope * (widen(static_cast<const T*>(norm.x)[place]) - means[row]) * inverses[row];
      sum += slope;
    }
  }
  sums[0][row_lane][lane] = product;
  sums[1][row_lane][lane] = sum;
  __syncthreads();
  if (row_lane < 2 && channel < norm.channels) {
    float total = 0;
    for (int i = 0; i < kRowLanes; ++i) total += sums[row_lane][i][lane];
    partial[((row_lane * chunks + chunk) * norm.samples + sample) * norm.channels + channel] = total;
  }
}

template <typename S>
__global__ void total_kernel(const float* partial, int64_t chunks, int64_t count, S* grad_scale, S* grad_shift) {
  const int64_t i = thread_number();
  if (i >= 2 * count) return;
  const int64_t which = i / count, place = i % count;
  float total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[(which * chunks + chunk) * count + place];
  (which == 0 ? grad_scale : grad_shift)[place] = narrow<S>(total);
}

// Calls body with a value of each type, where there is a kernel for them: a model in one precision, and autocast, where
// the norm is in float32.
template <typename Body>
bool with_types(Real type, Real vector_type, Real out_type, const Body& body) {
  const auto run = [&](Real t, Real s, Real o, auto x, auto v, auto y) {
    if (type != t || vector_type != s || out_type != o) return false;
    body(x, v, y);
    return true;
  };
  constexpr Real f = Real::kFloat, h = Real::kHalf, b = Real::kBFloat16;
  return run(f, f, f, float{}, float{}, float{}) || run(h, h, h, __half{}, __half{}, __half{}) ||
         run(b, b, b, __nv_bfloat16{}, __nv_bfloat16{}, __nv_bfloat16{}) || run(f, h, f, float{}, __half{}, float{}) ||
         run(f, b, f, float{}, __nv_bfloat16{}, float{}) || run(h, h, f, __half{}, __half{}, float{}) ||
         run(b, b, f, __nv_bfloat16{}, __nv_bfloat16{}, float{});
}

constexpr int kMost = 4;  // values of an access

// Whether rows may be read in accesses of `kMost` values; what this function does not see comes from an allocator.
template <typename S>
bool is_aligned(const ModulatedNorm& norm, int bytes) {
  const auto address = [](const void* p) { return reinterpret_cast<uintptr_t>(p); };
  return norm.channels % kMost == 0 && address(norm.x) % (kMost * bytes) == 0 &&
         address(norm.scale) % (kMost * sizeof(S)) == 0 && address(norm.shift) % (kMost * sizeof(S)) == 0 &&
         norm.scale_stride % kMost == 0 && norm.shift_stride % kMost == 0;
}

}  // namespace

bool modulated_norm_takes(Real type, Real vector_type, Real out_type) {
  return with_types(type, vector_type, out_type, [](auto, auto, auto) {});
}

cudaError_t modulated_norm(const ModulatedNorm& norm, void* y, float* mean, float* inverse, cudaStream_t stream) {
  cudaError_t error = cudaErrorInvalidValue;
  with_types(norm.type, norm.vector_type, norm.out_type, [&](auto t, auto s, auto o) {
    using T = decltype(t);
    using S = decltype(s);
    using O = decltype(o);
    const bool wide = is_aligned<S>(norm, sizeof(T));
    error =
        launch(wide ? forward_kernel<T, S, O, kMost> : forward_kernel<T, S, O, 1>,
               blocks_for_warps(norm.samples * norm.rows), kThreads, stream, norm, static_cast<O*>(y), mean, inverse);
  });
  return error;
}

cudaError_t modulated_norm_backward(const ModulatedNorm& norm, const void* grad, const float* mean,
                                    const float* inverse, void* grad_x, cudaStream_t stream) {
  cudaError_t error = cudaErrorInvalidValue;
  with_types(norm.type, norm.vector_type, norm.out_type, [&](auto t, auto s, auto o) {
    using T = decltype(t);
    using S = decltype(s);
    using O = decltype(o);
    const bool wide = is_aligned<S>(norm, sizeof(T)) && reinterpret_cast<uintptr_t>(grad) % (kMost * sizeof(O)) == 0;
    error = launch(wide ? backward_kernel<T, S, O, kMost> : backward_kernel<T, S, O, 1>,
                   blocks_for_warps(norm.samples * norm.rows), kThreads, stream, norm, static_cast<const O*>(grad),
                   mean, inverse, static_cast<T*>(grad_x));
  });
  return error;
}

int64_t modulated_norm_chunks(const ModulatedNorm& norm) {
  return (norm.rows + kChunk - 1) / kChunk;
}

cudaError_t modulated_norm_vectors_backward(const ModulatedNorm& norm, const void* grad, const float* mean,
                                            const float* inverse, float* partial, void* grad_scale, void* grad_shift,
                                            cudaStream_t stream) {
  cudaError_t error = cudaErrorInvalidValue;
  with_types(norm.type, norm.vector_type, norm.out_type, [&](auto t, auto s, auto o) {
    using T = decltype(t);
    using S = decltype(s);
    using O = decltype(o);
    const int64_t chunks = modulated_norm_chunks(norm), tiles = (norm.channels + kWarp - 1) / kWarp;
    error = launch(partial_kernel<T, O>, tiles * chunks * norm.samples, kThreads, stream, norm,
                   static_cast<const O*>(grad), mean, inverse, chunks, partial);
    if (error != cudaSuccess) return;
    const int64_t count = norm.samples * norm.channels;
    error = launch(total_kernel<S>, blocks_for(2 * count), kThreads, stream, static_cast<const float*>(partial), chunks,
                   count, static_cast<S*>(grad_scale), static_cast<S*>(grad_shift));
  });
  return error;
}

}  // namespace noether::cuda
