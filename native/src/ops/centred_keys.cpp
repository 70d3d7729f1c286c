#include "ops/centred_keys.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <vector>

#include "kernels/vectors.h"

namespace noether {
namespace {

using at::Tensor;

NOETHER_VECTOR_CLONES void add_to(float* __restrict sum, const float* __restrict x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) sum[i] += x[i];
}

constexpr int64_t kLanes = 16;

// Sums in lanes, as the order of float additions is not the compiler's to change.
NOETHER_VECTOR_CLONES float dot(const float* __restrict x, const float* __restrict y, int64_t count) {
  const int64_t whole = count - count % kLanes;
  float lanes[kLanes] = {};
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * y[i + lane];
  }
  float sum = 0;
  for (int64_t i = whole; i < count; ++i) sum += x[i] * y[i];
  for (int64_t lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

}  // namespace

CentredKeys centred_keys(const Tensor& q, const Tensor& k, const Tensor& logsumexp) {
  if (k.scalar_type() != at::kFloat) return {k, logsumexp};
  const int64_t batch = k.size(0), heads = k.size(1), count = k.size(2), channels = k.size(3);
  Tensor centred = at::empty({batch, count, heads, channels}, k.options()).transpose(1, 2);  // (B, H, M, d)
  Tensor shifted = logsumexp.clone();
  const float *queries = q.const_data_ptr<float>(), *keys = k.const_data_ptr<float>();
  float *out = centred.mutable_data_ptr<float>(), *sums = shifted.mutable_data_ptr<float>();
  const float scale = 1 / std::sqrt(static_cast<float>(channels));
  at::parallel_for(0, batch * heads, 1 + 32768 / (count * channels), [&](int64_t begin, int64_t end) {
    std::vector<float> mean(channels);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / heads, h = i % heads;
      const auto row = [b, h](auto* data, const Tensor& t, int64_t n) {
        return data + b * t.stride(0) + h * t.stride(1) + n * t.stride(2);
      };
      std::fill(mean.begin(), mean.end(), 0.F);
      for (int64_t n = 0; n < count; ++n) add_to(mean.data(), row(keys, k, n), channels);
      for (float& x : mean)
        x = std::isfinite(x) ? x / static_cast<float>(count) : 0.F;  // infinities stay where they are
      for (int64_t n = 0; n < count; ++n) subtract_rows(row(keys, k, n), mean.data(), channels, row(out, centred, n));
      for (int64_t n = 0; n < q.size(2); ++n)
        *row(sums, shifted, n) -= scale * dot(row(queries, q, n), mean.data(), channels);
    }
  });
  return {centred, shifted};
}

}  // namespace noether
