// Norm and modulation of cuda/modulated_norm.cu against the formulas in float64.
#include "cuda/modulated_norm.cu"

#include "compare.h"

namespace {

using namespace noether::cuda;

template <typename T, typename S, typename O>
void check(Real type, Real vector_type, Real out_type, int64_t samples, int64_t rows, int channels, bool joint) {
  const int64_t stride = joint ? 6 * channels : channels, place = joint ? 2 * channels : 0;
  const int64_t count = samples * rows, size = count * channels;
  const auto x = drawn<T>(size);
  const auto scale = drawn<S>(samples * stride), shift = drawn<S>(samples * stride);
  const auto grad = drawn<O>(size);
  ModulatedNorm norm = {};
  norm.x = x.data();
  norm.type = type;
  norm.scale = scale.data() + place;
  norm.shift = shift.data() + place;
  norm.vector_type = vector_type;
  norm.scale_stride = norm.shift_stride = stride;
  norm.out_type = out_type;
  norm.samples = samples;
  norm.rows = rows;
  norm.channels = channels;
  norm.eps = 1e-6F;
  std::vector<O> y(size);
  std::vector<float> mean(count), inverse(count), partial(2 * modulated_norm_chunks(norm) * samples * channels);
  std::vector<T> grad_x(size);
  std::vector<S> grad_scale(samples * channels), grad_shift(samples * channels);
  const bool done =
      modulated_norm(norm, y.data(), mean.data(), inverse.data(), nullptr) == cudaSuccess &&
      modulated_norm_backward(norm, grad.data(), mean.data(), inverse.data(), grad_x.data(), nullptr) == cudaSuccess &&
      modulated_norm_vectors_backward(norm, grad.data(), mean.data(), inverse.data(), partial.data(),
                                      grad_scale.data(), grad_shift.data(), nullptr) == cudaSuccess;
  if (!done) emulation::fail("an error of a launch");

  std::vector<double> true_y, true_x, true_scale(samples * channels), true_shift(samples * channels);
  for (int64_t row = 0; row < count; ++row) {
    const int64_t sample = row / rows;
    double m = 0, v = 0, mean_h = 0, mean_hn = 0;
    const auto value = [&](int d) { return wide(x[row * channels + d]); };
    const auto factor = [&](int d) { return 1 + wide(scale[sample * stride + place + d]); };
    for (int d = 0; d < channels; ++d) m += value(d) / channels;
    for (int d = 0; d < channels; ++d) v += (value(d) - m) * (value(d) - m) / channels;
    const double r = 1 / std::sqrt(v + 1e-6);
    for (int d = 0; d < channels; ++d) {
      const double n = (value(d) - m) * r, g = wide(grad[row * channels + d]);
      true_y.push_back(n * factor(d) + wide(shift[sample * stride + place + d]));
      mean_h += g * factor(d) / channels;
      mean_hn += g * factor(d) * n / channels;
      true_scale[sample * channels + d] += g * n;
      true_shift[sample * channels + d] += g;
    }
    for (int d = 0; d < channels; ++d) {
      const double n = (value(d) - m) * r, g = wide(grad[row * channels + d]);
      true_x.push_back((g * factor(d) - mean_h - n * mean_hn) * r);
    }
  }
  char what[120];
  std::snprintf(what, sizeof what, "types %d %d %d, %d samples of %d rows of %d channels", static_cast<int>(type),
                static_cast<int>(vector_type), static_cast<int>(out_type), static_cast<int>(samples),
                static_cast<int>(rows), channels);
  // A row of one channel has variance 0: its gradient is cancelled to rounding errors times 1000.
  expect_close(y, true_y, 2 * kRounding<O>, what);
  if (channels > 1) expect_close(grad_x, true_x, 4 * kRounding<T>, what);
  expect_close(grad_scale, true_scale, 4 * kRounding<S>, what);
  expect_close(grad_shift, true_shift, 4 * kRounding<S>, what);
}

template <typename T, typename S, typename O>
void check_all(Real type, Real vector_type, Real out_type) {
  for (const int channels : {1, 3, 32, 36, 192, 260}) {
    check<T, S, O>(type, vector_type, out_type, 2, 5, channels, true);
    check<T, S, O>(type, vector_type, out_type, 3, 1, channels, false);
  }
  check<T, S, O>(type, vector_type, out_type, 2, 531, 40, true);  // more than one chunk of rows
}

}  // namespace

int main() {
  constexpr Real f = Real::kFloat, h = Real::kHalf, b = Real::kBFloat16;
  check_all<float, float, float>(f, f, f);
  check_all<__half, __half, __half>(h, h, h);
  check_all<__nv_bfloat16, __nv_bfloat16, __nv_bfloat16>(b, b, b);
  check_all<float, __nv_bfloat16, float>(f, b, f);
  check_all<float, __half, float>(f, h, f);
  check_all<__half, __half, float>(h, h, f);
  check_all<__nv_bfloat16, __nv_bfloat16, float>(b, b, f);
  if (modulated_norm_takes(f, f, h) || !modulated_norm_takes(b, b, f)) emulation::fail("types without a kernel");
  if (failures == 0) std::printf("equal\n");
  return failures == 0 ? 0 : 1;
}
