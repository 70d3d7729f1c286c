#include "ops/gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <cstring>

#include "kernels/vectors.h"
#include "ops/dense.h"

namespace noether {
namespace {

using at::Tensor;

// e^x for x <= 0, by 2^n e^f with |f| <= ln(2) / 2; about one unit in the last place, 0 below e^-80.
NOETHER_INLINE float exp_below_zero(float x) {
  constexpr float kLog2E = 1.44269504F, kHigh = 0.693359375F, kLow = -2.12194440e-4F;  // kHigh + kLow = ln 2
  constexpr float kRound = 12582912.F;  // 1.5 * 2^23: adding it rounds to an integer, kept in the lowest bits
  const float y = x > -87.F ? x : -87.F;
  const float shifted = y * kLog2E + kRound, n = shifted - kRound;
  const float f = y - n * kHigh - n * kLow;
  float p = 1.9875691500e-4F;
  p = p * f + 1.3981999507e-3F;
  p = p * f + 8.3334519073e-3F;
  p = p * f + 4.1665795894e-2F;
  p = p * f + 1.6666665459e-1F;
  p = p * f + 5.0000001201e-1F;
  p = p * (f * f) + f + 1.F;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = static_cast<int32_t>(static_cast<uint32_t>(bits) << 23) + 0x3f800000;  // 2^n
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return x < -80.F ? 0.F : p * scale;
}

struct Normal {
  float distribution;  // Phi(x)
  float bell;          // e^(-x^2 / 2)
};

// Phi(x) = erfc(-x / sqrt(2)) / 2, where erfc(z) = e^(-z^2) times a polynomial in 1 / (1 + 0.34 z), z >= 0, without its
// constant term (the form of Abramowitz and Stegun 7.1.26), fitted here to an error of 1e-9.
NOETHER_INLINE Normal normal(float x) {
  const float z = __builtin_fabsf(x) * 0.707106781F;
  const float t = 1.F / (0.34F * z + 1.F);
  float p = -0.246660606F;
  p = p * t + 1.08600899F;
  p = p * t - 1.24768006F;
  p = p * t + 1.2075646F;
  p = p * t - 0.283814234F;
  p = p * t + 0.304335649F;
  p = p * t + 0.180245663F;
  const float bell = exp_below_zero(-0.5F * x * x);
  const float tail = 0.5F * t * p * bell;
  return {x < 0.F ? tail : 1.F - tail, bell};
}

NOETHER_VECTOR_CLONES void gelu_row(const float* __restrict x, int64_t count, float* __restrict y) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * normal(x[i]).distribution;
}

// d/dx x Phi(x) = Phi(x) + x phi(x)
NOETHER_VECTOR_CLONES void gelu_backward_row(const float* __restrict x, const float* __restrict grad, int64_t count,
                                             float* __restrict y) {
  constexpr float kDensity = 0.398942280F;  // 1 / sqrt(2 pi)
  for (int64_t i = 0; i < count; ++i) {
    const Normal n = normal(x[i]);
    y[i] = grad[i] * (x[i] * kDensity * n.bell + n.distribution);
  }
}

constexpr int64_t kRow = 1024;

// Calls row(tensors' pieces, count, piece of out) for pieces of float32, from and to bfloat16 where the tensors are.
template <size_t Count, typename Row>
Tensor for_each_row(const std::array<Tensor, Count>& tensors, const Row& row) {
  Tensor out = at::empty_like(tensors[0], at::MemoryFormat::Contiguous);
  const bool half = out.scalar_type() == at::kBFloat16;
  at::parallel_for(0, (out.numel() + kRow - 1) / kRow, 8, [&](int64_t first, int64_t last) {
    float wide[Count + 1][kRow];
    for (int64_t i = first * kRow; i < std::min(last * kRow, out.numel()); i += kRow) {
      const int64_t count = std::min(kRow, out.numel() - i);
      std::array<const float*, Count> pieces;
      for (size_t t = 0; t < Count; ++t) {
        if (half) widen(static_cast<const uint16_t*>(tensors[t].const_data_ptr()) + i, count, wide[t]);
        pieces[t] = half ? wide[t] : tensors[t].template const_data_ptr<float>() + i;
      }
      row(pieces, count, half ? wide[Count] : out.mutable_data_ptr<float>() + i);
      if (half) narrow(wide[Count], count, static_cast<uint16_t*>(out.mutable_data_ptr()) + i);
    }
  });
  return out;
}

}  // namespace

bool has_gelu_kernel(const Tensor& x) {
  return is_dense_cpu_float_or_bfloat16(x) && x.is_contiguous();
}

Tensor gelu_rows(const Tensor& x) {
  return for_each_row<1>({x}, [](const auto& rows, int64_t count, float* out) { gelu_row(rows[0], count, out); });
}

Tensor gelu_backward_rows(const Tensor& grad, const Tensor& x) {
  const Tensor dense = in_memory(grad).to(x.scalar_type()).contiguous();
  return for_each_row<2>(
      {x, dense}, [](const auto& rows, int64_t count, float* out) { gelu_backward_row(rows[0], rows[1], count, out); });
}

}  // namespace noether
