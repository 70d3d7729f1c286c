#include "ops/layer_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>

#include "kernels/vectors.h"
#include "light_tensors.h"
#include "ops/dense.h"

namespace noether {
namespace {

using at::Tensor;

constexpr int64_t kLanes = 16;

// Sums in lanes, as the order of float additions is not the compiler's to change.
NOETHER_INLINE float total(const float* lanes) {
  float sum = 0;
  for (int64_t lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

NOETHER_VECTOR_CLONES void normalize(const float* __restrict x, int64_t width, const float* __restrict weight,
                                     const float* __restrict bias, float eps, float* __restrict y,
                                     float* __restrict mean_out, float* __restrict scale_out) {
  const int64_t whole = width - width % kLanes;
  float sums[kLanes] = {}, squares[kLanes] = {};
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += x[i + lane];
  }
  for (int64_t i = whole; i < width; ++i) sums[i - whole] += x[i];
  const float mean = total(sums) / static_cast<float>(width);
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float centred = x[i + lane] - mean;
      squares[lane] += centred * centred;
    }
  }
  for (int64_t i = whole; i < width; ++i) squares[i - whole] += (x[i] - mean) * (x[i] - mean);
  const float scale = 1.F / std::sqrt(total(squares) / static_cast<float>(width) + eps);
  for (int64_t i = 0; i < width; ++i) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
  *mean_out = mean;
  *scale_out = scale;
}

}  // namespace

bool has_layer_norm_kernel(const Tensor& input, at::IntArrayRef shape, const Tensor& weight, const Tensor& bias) {
  const auto fits = [](const Tensor& t) { return is_dense_cpu(t, at::kFloat) && t.is_contiguous(); };
  return fits(input) && fits(weight) && fits(bias) && shape.size() == 1 && input.dim() > 0 &&
         input.size(-1) == shape[0] && weight.sizes() == shape && bias.sizes() == shape && input.numel() > 0;
}

std::tuple<Tensor, Tensor, Tensor> layer_norm_rows(const Tensor& input, const Tensor& weight, const Tensor& bias,
                                                   double eps) {
  auto sizes = input.sizes().vec();
  const int64_t width = sizes.back(), rows = input.numel() / width;
  sizes.back() = 1;
  Tensor out = light_empty(input.sizes()), mean = light_empty(sizes), scale = light_empty(sizes);
  const float *x = input.const_data_ptr<float>(), *w = weight.const_data_ptr<float>(),
              *b = bias.const_data_ptr<float>();
  float *y = out.mutable_data_ptr<float>(), *m = mean.mutable_data_ptr<float>(), *s = scale.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 1 + 16384 / width, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      normalize(x + row * width, width, w, b, static_cast<float>(eps), y + row * width, m + row, s + row);
    }
  });
  return {out, mean, scale};
}

}  // namespace noether
