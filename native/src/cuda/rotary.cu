#include "cuda/rotary.cuh"

#include <initializer_list>

#include "cuda/launch.cuh"
#include "cuda/reals.cuh"

namespace noether::cuda {
namespace {

template <int Size>
__host__ __device__ inline int units_of(const Rotation& r) {
  return (r.channels + 2 * Size - 1) / (2 * Size);
}

// A thread turns `Size` pairs of one head of one token, or copies the 2 `Size` channels there behind the last pair.
template <typename T, int Size, typename Index>
__global__ void rotate_kernel(Rotation r) {
  const Index units = static_cast<Index>(units_of<Size>(r));
  const Index heads = static_cast<Index>(r.heads), tokens = static_cast<Index>(r.tokens);
  const Index total = static_cast<Index>(r.batches) * tokens * heads * units;
  for (Index i = static_cast<Index>(thread_number()); i < total; i += static_cast<Index>(thread_count())) {
    const int unit = static_cast<int>(i % units);
    const Index row = i / units;  // of the result
    const Index head = row % heads, place = row / heads, token = place % tokens, batch = place / tokens;
    const T* x = static_cast<const T*>(r.x) + static_cast<int64_t>(batch) * r.x_batch +
                 static_cast<int64_t>(head) * r.x_head + static_cast<int64_t>(token) * r.x_token;
    T* y = static_cast<T*>(r.y) + static_cast<int64_t>(row) * r.channels;
    const int pair = unit * Size;
    if (pair >= r.pairs) {
      store(y + 2 * pair, load<T, Size>(x + 2 * pair));
      const int second = 2 * pair + Size;  // missing where the channels are odd
      if (second < r.channels) store(y + second, load<T, Size>(x + second));
      continue;
    }
    const auto cos = load<float, Size>(r.cos + static_cast<int64_t>(batch) * r.cos_batch +
                                       static_cast<int64_t>(token) * r.cos_token + pair);
    const auto sin = load<float, Size>(r.sin + static_cast<int64_t>(batch) * r.sin_batch +
                                       static_cast<int64_t>(token) * r.sin_token + pair);
    // Two accesses: neighbours in turn, or the lower and the upper half of a chunk.
    const bool neighbours = r.half == 1;
    const int first = neighbours ? 2 * pair : pair / r.half * 2 * r.half + pair % r.half;
    const int second = first + (neighbours ? Size : r.half);
    const auto low = load<T, Size>(x + first), high = load<T, Size>(x + second);
    T from[2 * Size], to[2 * Size];
    for (int j = 0; j < Size; ++j) {
      from[j] = low.values[j];
      from[Size + j] = high.values[j];
    }
    for (int j = 0; j < Size; ++j) {
      const float c = cos.values[j], s = r.sign * sin.values[j];
      const float a = widen(neighbours ? from[2 * j] : from[j]);
      const float b = widen(neighbours ? from[2 * j + 1] : from[Size + j]);
      const T turned_a = narrow<T>(a * c - b * s), turned_b = narrow<T>(a * s + b * c);
      (neighbours ? to[2 * j] : to[j]) = turned_a;
      (neighbours ? to[2 * j + 1] : to[Size + j]) = turned_b;
    }
    Pack<T, Size> low_out, high_out;
    for (int j = 0; j < Size; ++j) {
      low_out.values[j] = to[j];
      high_out.values[j] = to[Size + j];
    }
    store(y + first, low_out);
    store(y + second, high_out);
  }
}

// Whether `size` values may be read at once: they stay together, and every start is a multiple of an access.
bool fits(const Rotation& r, int size, int bytes) {
  const bool whole = r.channels % (2 * size) == 0 && r.pairs % size == 0 && (r.half == 1 || r.half % size == 0);
  const auto aligned = [size](const void* p, int each, std::initializer_list<int64_t> strides) {
    bool multiples = reinterpret_cast<uintptr_t>(p) % (size * each) == 0;
    for (const int64_t stride : strides) multiples = multiples && stride % size == 0;
    return multiples;
  };
  return whole && aligned(r.x, bytes, {r.x_batch, r.x_head, r.x_token}) && aligned(r.y, bytes, {r.channels}) &&
         aligned(r.cos, 4, {r.cos_batch, r.cos_token}) && aligned(r.sin, 4, {r.sin_batch, r.sin_token});
}

constexpr int64_t kMostBlocks = 1 << 20;

template <typename T, int Size>
cudaError_t run(const Rotation& r, cudaStream_t stream) {
  const int64_t total = r.batches * r.tokens * r.heads * units_of<Size>(r);
  const int64_t blocks = blocks_for(total) < kMostBlocks ? blocks_for(total) : kMostBlocks;
  // Numbers stay below 2^32 with a step of all threads added.
  const bool small = total + kMostBlocks * kThreads < INT32_MAX;
  return launch(small ? rotate_kernel<T, Size, uint32_t> : rotate_kernel<T, Size, uint64_t>, blocks, kThreads, stream,
                r);
}

// Accesses of up to 16 bytes.
template <typename T>
cudaError_t choose(const Rotation& r, cudaStream_t stream) {
  constexpr int kMost = 16 / sizeof(T);
  if (fits(r, kMost, sizeof(T))) return run<T, kMost>(r, stream);
  if (fits(r, kMost / 2, sizeof(T))) return run<T, kMost / 2>(r, stream);
  return run<T, 1>(r, stream);
}

}  // namespace

cudaError_t rotate(const Rotation& rotation, Real type, cudaStream_t stream) {
  switch (type) {
    case Real::kFloat:
      return choose<float>(rotation, stream);
    case Real::kHalf:
      return choose<__half>(rotation, stream);
    case Real::kBFloat16:
      return choose<__nv_bfloat16>(rotation, stream);
  }
  return cudaErrorInvalidValue;
}

}  // namespace noether::cuda
