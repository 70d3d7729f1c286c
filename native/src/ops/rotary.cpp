// Rotary position embedding as one pass over memory, as a dispatcher operator:
//
//   noether::rotate(Tensor x, Tensor cos, Tensor sin, int half) -> Tensor
//
// x (B, H, N, d), cos and sin (B, N, R) float32. Pair p of the first 2R channels, (a, b) -> (a cos - b sin, a sin + b
// cos), consists of channel 2 half (p / half) + p mod half and the one `half` after it; the channels behind stay as
// they are. Computed in float32 (float64 for float64); result in the dtype of x and in the memory order (B, N, H, d),
// in which attention returns it and heads merge for free. The gradient of a rotation is the rotation back.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "kernels/vectors.h"
#include "ops/dense.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;

void check_arguments(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half) {
  TORCH_CHECK(x.dim() == 4 && x.is_floating_point(), "rotate: x must be floating point of shape (B, H, N, d), got ",
              x.scalar_type(), " of shape ", x.sizes());
  TORCH_CHECK(
      cos.dim() == 3 && cos.sizes() == sin.sizes() && cos.is_floating_point() && sin.scalar_type() == cos.scalar_type(),
      "rotate: cos and sin must be floating point of equal shape (B, N, R), got ", cos.sizes(), " and ", sin.sizes());
  TORCH_CHECK((cos.size(0) == x.size(0) || cos.size(0) == 1) && cos.size(1) == x.size(2),
              "rotate: cos and sin must have one row per token, got ", cos.sizes(), " for x of shape ", x.sizes());
  TORCH_CHECK(half > 0 && cos.size(2) % half == 0 && 2 * cos.size(2) <= x.size(3), "rotate: ", cos.size(2),
              " pairs at distance ", half, " do not fit into heads of ", x.size(3), " channels");
}

// The same in ATen operators: any device, differentiable in the angles too.
Tensor rotate_composite(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half) {
  const int64_t rotated = 2 * cos.size(2), chunks = cos.size(2) / half;
  const auto compute = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor pairs = x.slice(3, 0, rotated).to(compute).unflatten(3, {chunks, 2, half});
  const Tensor a = pairs.select(4, 0), b = pairs.select(4, 1);  // (B, H, N, chunks, half)
  const Tensor c = cos.unflatten(2, {chunks, half}).unsqueeze(1), s = sin.unflatten(2, {chunks, half}).unsqueeze(1);
  const Tensor y = at::stack({a * c - b * s, a * s + b * c}, 4).flatten(3).to(x.scalar_type());
  return rotated == x.size(3) ? y : at::cat({y, x.slice(3, rotated)}, 3);
}

// One head of one token: R pairs from `x` to `y`.
NOETHER_VECTOR_CLONES void rotate_neighbours(const float* __restrict x, const float* __restrict c,
                                             const float* __restrict s, float sign, int64_t pairs,
                                             float* __restrict y) {
  for (int64_t p = 0; p < pairs; ++p) {
    const float a = x[2 * p], b = x[2 * p + 1], sine = sign * s[p];
    y[2 * p] = a * c[p] - b * sine;
    y[2 * p + 1] = a * sine + b * c[p];
  }
}

NOETHER_VECTOR_CLONES void rotate_halves(const float* __restrict x, const float* __restrict c,
                                         const float* __restrict s, float sign, int64_t pairs, int64_t half,
                                         float* __restrict y) {
  for (int64_t p = 0; p < pairs; p += half) {
    for (int64_t j = 0; j < half; ++j) {
      const float a = x[2 * p + j], b = x[2 * p + j + half], sine = sign * s[p + j];
      y[2 * p + j] = a * c[p + j] - b * sine;
      y[2 * p + j + half] = a * sine + b * c[p + j];
    }
  }
}

constexpr int64_t kTokenGrain = 256;  // tokens that are worth a task

// Calls `rotate_head(x, cos, sin, y)` with pointers to each head of each token; y is laid out (B, N, H, d).
template <typename T, typename C, typename RotateHead>
void for_each_head(const Tensor& x, const Tensor& cos, const Tensor& sin, Tensor& out, const RotateHead& rotate_head) {
  const int64_t heads = x.size(1), tokens = x.size(2), channels = x.size(3);
  const T* x_data = x.const_data_ptr<T>();
  T* out_data = out.mutable_data_ptr<T>();
  const C* cos_data = cos.const_data_ptr<C>();
  const C* sin_data = sin.const_data_ptr<C>();
  const int64_t cos_batch = cos.size(0) == 1 ? 0 : cos.stride(0), sin_batch = sin.size(0) == 1 ? 0 : sin.stride(0);
  const int64_t x_batch = x.stride(0), x_head = x.stride(1), x_token = x.stride(2), cos_token = cos.stride(1),
                sin_token = sin.stride(1);
  at::parallel_for(0, x.size(0) * tokens, kTokenGrain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t b = i / tokens, n = i % tokens;
      for (int64_t h = 0; h < heads; ++h) {
        rotate_head(x_data + b * x_batch + h * x_head + n * x_token, cos_data + b * cos_batch + n * cos_token,
                    sin_data + b * sin_batch + n * sin_token, out_data + (i * heads + h) * channels);
      }
    }
  });
}

void rotate_float(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half, float sign, Tensor& out) {
  const int64_t channels = x.size(3), pairs = cos.size(2);
  for_each_head<float, float>(x, cos, sin, out, [&](const float* from, const float* c, const float* s, float* to) {
    if (half == 1)
      rotate_neighbours(from, c, s, sign, pairs, to);
    else
      rotate_halves(from, c, s, sign, pairs, half, to);
    std::copy(from + 2 * pairs, from + channels, to + 2 * pairs);
  });
}

constexpr int64_t kMaxHalfChannels = 512;  // of a head in a half type: the rows on the stack

void rotate_bfloat16(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half, float sign, Tensor& out) {
  const int64_t channels = x.size(3), pairs = cos.size(2);
  for_each_head<at::BFloat16, float>(x, cos, sin, out,
                                     [&](const at::BFloat16* from, const float* c, const float* s, at::BFloat16* to) {
                                       float wide[kMaxHalfChannels], rotated[kMaxHalfChannels];
                                       widen(reinterpret_cast<const uint16_t*>(from), channels, wide);
                                       if (half == 1)
                                         rotate_neighbours(wide, c, s, sign, pairs, rotated);
                                       else
                                         rotate_halves(wide, c, s, sign, pairs, half, rotated);
                                       std::copy(wide + 2 * pairs, wide + channels, rotated + 2 * pairs);
                                       narrow(rotated, channels, reinterpret_cast<uint16_t*>(to));
                                     });
}

Tensor turn_composite(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half, bool back) {
  return rotate_composite(x, cos, back ? sin.neg() : sin, half);
}

Tensor rotate_forward(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half, bool back) {
  const auto type = x.scalar_type();
  if (x.is_cuda() && x.layout() == at::kStrided && !x._is_zerotensor() && type != at::kDouble && is_plain(x) &&
      is_plain(cos) && is_plain(sin)) {
    static const auto turn = find_operator<decltype(turn_composite)>("noether::turn_pairs");
    return turn.call(x, cos, sin, half, back);
  }
  const bool known = type == at::kFloat || (type == at::kBFloat16 && x.size(3) <= kMaxHalfChannels);
  if (!is_dense_cpu(x) || !is_dense_cpu(cos) || !is_dense_cpu(sin) || !known)
    return turn_composite(x, cos, sin, half, back);
  const auto rows = [](const Tensor& t) {
    const Tensor single = t.to(at::kFloat);
    return single.stride(-1) == 1 ? single : single.contiguous();
  };
  const Tensor source = x.stride(3) == 1 ? x : x.contiguous();
  Tensor out = at::empty({x.size(0), x.size(2), x.size(1), x.size(3)}, x.options());  // (B, N, H, d)
  (type == at::kFloat ? rotate_float : rotate_bfloat16)(source, rows(cos), rows(sin), half, back ? -1.0F : 1.0F, out);
  return out.transpose(1, 2);
}

Tensor rotate(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half) {
  check_arguments(x, cos, sin, half);
  return rotate_forward(x, cos, sin, half, false);
}

struct Rotation : torch::autograd::Function<Rotation> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& cos,
                        const Tensor& sin, int64_t half, bool back) {
    context->save_for_backward({cos, sin});
    context->saved_data["half"] = half;
    context->saved_data["back"] = back;
    at::AutoDispatchBelowADInplaceOrView guard;
    return rotate_forward(x, cos, sin, half, back);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const int64_t half = context->saved_data["half"].toInt();
    const bool back = context->saved_data["back"].toBool();
    return {apply(gradients[0], saved[0], saved[1], half, !back), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Tensor rotate_autograd(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half) {
  check_arguments(x, cos, sin, half);
  if (!is_plain(x) || !is_plain(cos) || !is_plain(sin) ||
      (at::GradMode::is_enabled() && (cos.requires_grad() || sin.requires_grad())))
    return rotate_composite(x, cos, sin, half);
  return Rotation::apply(x, cos, sin, half, false);
}

}  // namespace

NOETHER_LIBRARY(library) {
  define_plain(library, "rotate(Tensor x, Tensor cos, Tensor sin, int half) -> Tensor", TORCH_FN(rotate));
  implement(library, "rotate", TORCH_FN(rotate_autograd),
            {c10::DispatchKey::Autograd, c10::DispatchKey::FuncTorchBatched});
  // The rotation and its way back, without gradients: CUDA has a kernel of its own (`cuda/rotary.cpp`).
  define_plain(library, "turn_pairs(Tensor x, Tensor cos, Tensor sin, int half, bool back) -> Tensor",
               TORCH_FN(turn_composite));
}

}  // namespace noether
