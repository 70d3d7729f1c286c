// Layer norm without weights, scaled and shifted by vectors of each sample (adaLN, arXiv 2212.09748), as a dispatcher
// operator:
//
//   noether::modulated_layer_norm(Tensor x, Tensor scale, Tensor shift, float eps) -> Tensor
//
//   (x - mean(x)) / sqrt(variance(x) + eps) (1 + scale) + shift
//
// Mean and variance are those of the last dimension. x (B, N, D) with scale and shift (B, 1, D) or (B, D), or all three
// (B, D). The result has the type of the composition of ATen's operators: under autocast, float32. CUDA has kernels of
// its own for forward and backward (`cuda/modulated_norm.cpp`), which round once; everything else is the composition.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ops/dense.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;

Tensor over_tokens(const Tensor& vector, const Tensor& x) {
  return x.dim() == 3 && vector.dim() == 2 ? vector.unsqueeze(1) : vector;  // (B, 1, D)
}

void check_arguments(const Tensor& x, const Tensor& scale, const Tensor& shift) {
  TORCH_CHECK((x.dim() == 2 || x.dim() == 3) && x.is_floating_point(),
              "modulated_layer_norm: x must be floating point of shape (B, N, D) or (B, D), got ", x.scalar_type(),
              " of shape ", x.sizes());
  auto expected = x.sizes().vec();
  if (x.dim() == 3) expected[1] = 1;
  for (const auto& [vector, name] : {std::pair(&scale, "scale"), std::pair(&shift, "shift")}) {
    TORCH_CHECK(vector->is_floating_point() && vector->device() == x.device() &&
                    over_tokens(*vector, x).sizes() == at::IntArrayRef(expected),
                "modulated_layer_norm: ", name, " must hold a vector for each sample on the device of x, of shape ",
                at::IntArrayRef(expected), ", got ", vector->sizes(), " for x of shape ", x.sizes());
  }
}

Tensor composite(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps) {
  return at::layer_norm(x, {x.size(-1)}, {}, {}, eps).mul(over_tokens(scale, x).add(1)).add(over_tokens(shift, x));
}

// ---- the parts for which CUDA has kernels, on x (B, N, D) and vectors (B, D)

using Forward = std::tuple<Tensor, Tensor, Tensor>(const Tensor&, const Tensor&, const Tensor&, double, at::ScalarType);
using Backward = std::tuple<Tensor, Tensor, Tensor>(const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                                    const Tensor&, const Tensor&, double);

// 1 + scale for each token, without rounding to a half type.
Tensor factor(const Tensor& scale) {
  return 1 + scale.to(at::kFloat).unsqueeze(1);
}

// Result, mean and 1 / sqrt(variance + eps).
std::tuple<Tensor, Tensor, Tensor> norm_forward(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps,
                                                at::ScalarType dtype) {
  const auto [normal, mean, inverse] = at::native_layer_norm(x.to(at::kFloat), {x.size(-1)}, {}, {}, eps);
  return {(normal * factor(scale) + shift.unsqueeze(1)).to(dtype), mean, inverse};
}

// Gradients of x, scale and shift, by operators that have gradients too.
std::tuple<Tensor, Tensor, Tensor> norm_backward(const Tensor& grad, const Tensor& x, const Tensor& scale,
                                                 const Tensor& shift, const Tensor&, const Tensor&, double eps) {
  const Tensor wide = x.to(at::kFloat), slope = grad.to(at::kFloat);
  const auto [normal, mean, inverse] = at::native_layer_norm(wide, {x.size(-1)}, {}, {}, eps);
  const auto grad_x = std::get<0>(at::native_layer_norm_backward(slope * factor(scale), wide, {x.size(-1)}, mean,
                                                                 inverse, {}, {}, {true, false, false}));
  return {grad_x.to(x.scalar_type()), (slope * normal).sum(1).to(scale.scalar_type()),
          slope.sum(1).to(shift.scalar_type())};
}

// The type of the result, where the composition would run on CUDA.
at::ScalarType result_type(const Tensor& x, const Tensor& scale, const Tensor& shift) {
  const bool autocast = at::autocast::is_autocast_enabled(at::kCUDA);
  const auto norm = autocast ? at::kFloat : x.scalar_type();  // layer_norm is on autocast's list of float32
  return at::promote_types(norm, at::promote_types(scale.scalar_type(), shift.scalar_type()));
}

bool has_kernel(const Tensor& x, const Tensor& scale, const Tensor& shift) {
  const auto fits = [](const Tensor& t) {
    const auto type = t.scalar_type();
    return t.is_cuda() && t.layout() == at::kStrided && !t._is_zerotensor() && is_plain(t) &&
           (type == at::kFloat || type == at::kHalf || type == at::kBFloat16);
  };
  const auto type = x.scalar_type(), vectors = scale.scalar_type(), out = result_type(x, scale, shift);
  return fits(x) && fits(scale) && fits(shift) && vectors == shift.scalar_type() && x.numel() > 0 &&
         (type == vectors || type == at::kFloat) && (out == type || out == at::kFloat);
}

struct ModulatedNorm : torch::autograd::Function<ModulatedNorm> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& scale,
                        const Tensor& shift, double eps) {
    static const auto op = find_operator<Forward>("noether::modulated_norm_forward");
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto [y, mean, inverse] = op.call(x, scale, shift, eps, result_type(x, scale, shift));
    context->save_for_backward({x, scale, shift, mean, inverse});
    context->saved_data["eps"] = eps;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    static const auto op = find_operator<Backward>("noether::modulated_norm_backward");
    const auto saved = context->get_saved_variables();
    const double eps = context->saved_data["eps"].toDouble();
    const Tensor grad = in_memory(gradients[0]);
    const auto [grad_x, grad_scale, grad_shift] =
        at::GradMode::is_enabled() || !is_plain(grad)
            ? norm_backward(grad, saved[0], saved[1], saved[2], saved[3], saved[4], eps)
                                   : op.call(grad, saved[0], saved[1], saved[2], saved[3], saved[4], eps);
    return {grad_x, grad_scale, grad_shift, Tensor()};
  }
};

Tensor modulated_layer_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps) {
  check_arguments(x, scale, shift);
  if (!has_kernel(x, scale, shift)) return composite(x, scale, shift, eps);
  // (B, N, D) and (B, D); without tokens each sample is a row of its own
  const auto vector = [](const Tensor& t) { return t.dim() == 3 ? t.squeeze(1) : t; };
  const Tensor rows = x.dim() == 3 ? x : x.unsqueeze(1);
  const Tensor y = ModulatedNorm::apply(rows, vector(scale), vector(shift), eps);
  return x.dim() == 3 ? y : y.squeeze(1);
}

}  // namespace

NOETHER_LIBRARY(library) {
  define_recording(library, "modulated_layer_norm(Tensor x, Tensor scale, Tensor shift, float eps) -> Tensor",
                   TORCH_FN(modulated_layer_norm));
  define_plain(library,
               "modulated_norm_forward(Tensor x, Tensor scale, Tensor shift, float eps, ScalarType dtype) -> (Tensor, "
               "Tensor, Tensor)",
               TORCH_FN(norm_forward));
  define_plain(library,
               "modulated_norm_backward(Tensor grad, Tensor x, Tensor scale, Tensor shift, Tensor mean, Tensor "
               "inverse, float eps) -> (Tensor, Tensor, Tensor)",
               TORCH_FN(norm_backward));
}

}  // namespace noether
