// The linear layer as a dispatcher operator:
//
//   noether::linear(Tensor input, Tensor weight, Tensor? bias) -> Tensor
//
// input weight^T + bias with input (..., K), weight (N, K), bias (N). On CPUs with a tile unit, products that are large
// enough go through the kernels of matmul_amx.h, forward and backward; anything else is torch.nn.functional.linear.
// Under autocast the weight is rounded while it is packed, instead of copied, and its gradient stays in float32.
#include "linear.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "matmul.h"
#include "matmul_amx.h"

namespace noether {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor as_matrix(const Tensor& t) {
  return t.dim() == 2 ? t : t.reshape({-1, t.size(-1)});
}

Tensor forward_kernel(const Tensor& input, const Tensor& weight, const Tensor& bias, bool low_precision) {
  const auto type = low_precision ? at::kBFloat16 : input.scalar_type();
  const Tensor out =
      tile_product(as_matrix(input), weight.t(), bias.defined() ? bias.to(at::kFloat) : bias, type, low_precision);
  if (!out.defined()) return at::linear(input, weight, bias);
  auto sizes = input.sizes().vec();
  sizes.back() = weight.size(0);
  return out.view(sizes);
}

struct TileLinear : torch::autograd::Function<TileLinear> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                        const std::optional<Tensor>& bias, bool low_precision) {
    at::AutoDispatchBelowADInplaceOrView guard;
    // Under autocast what is saved takes half the memory, and is packed faster.
    const Tensor saved = low_precision ? input.to(at::kBFloat16) : input;
    context->save_for_backward({saved, weight});
    context->saved_data["input_type"] = input.scalar_type();
    context->saved_data["low_precision"] = low_precision;
    context->saved_data["bias_type"] = bias ? bias->scalar_type() : at::ScalarType::Undefined;
    return forward_kernel(saved, weight, bias.value_or(Tensor()), low_precision);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &input = saved[0], &weight = saved[1];
    const bool low_precision = context->saved_data["low_precision"].toBool();
    const auto input_type = context->saved_data["input_type"].toScalarType();
    if (at::GradMode::is_enabled()) return differentiable_backward(context, input, weight, gradients[0]);
    const Tensor grad = as_matrix(gradients[0]), rows = as_matrix(input);
    Tensor grad_input, grad_weight, grad_bias;
    if (context->needs_input_grad(0)) {
      grad_input = tile_product(grad, weight, {}, input_type, low_precision);
      if (!grad_input.defined()) grad_input = grad.mm(weight);
      grad_input = grad_input.view(input.sizes());
    }
    if (context->needs_input_grad(1)) {
      grad_weight = tile_product(grad.t(), rows, {}, weight.scalar_type(), low_precision);
      if (!grad_weight.defined()) grad_weight = grad.t().mm(rows);
    }
    if (needs_bias_grad(context)) grad_bias = grad.sum(0, false, bias_type(context));
    return {grad_input, grad_weight, grad_bias, Tensor()};
  }

  static at::ScalarType bias_type(AutogradContext* context) { return context->saved_data["bias_type"].toScalarType(); }
  // A bias that is not there has no place among the inputs to ask for.
  static bool needs_bias_grad(AutogradContext* context) {
    return bias_type(context) != at::ScalarType::Undefined && context->needs_input_grad(2);
  }

  // For gradients of gradients: the same through plain operators.
  static variable_list differentiable_backward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                                               const Tensor& gradient) {
    const auto type = context->saved_data["input_type"].toScalarType();
    const Tensor grad = gradient.reshape({-1, weight.size(0)}).to(weight.scalar_type());
    const Tensor rows = input.reshape({-1, weight.size(1)}).to(weight.scalar_type());
    variable_list results(4);
    if (context->needs_input_grad(0)) results[0] = grad.mm(weight).view(input.sizes()).to(type);
    if (context->needs_input_grad(1)) results[1] = grad.t().mm(rows);
    if (needs_bias_grad(context)) results[2] = grad.sum(0).to(bias_type(context));
    return results;
  }
};

bool records(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  return at::GradMode::is_enabled() &&
         (input.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad()));
}

Tensor run(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias, bool low_precision) {
  if (records(input, weight, bias.value_or(Tensor()))) return TileLinear::apply(input, weight, bias, low_precision);
  at::AutoDispatchBelowADInplaceOrView guard;
  return forward_kernel(low_precision ? input.to(at::kBFloat16) : input, weight, bias.value_or(Tensor()),
                        low_precision);
}

Tensor linear_autograd(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (!has_linear_kernel(input, weight, bias.value_or(Tensor())) || input.scalar_type() != weight.scalar_type() ||
      (bias && bias->defined() && bias->scalar_type() != input.scalar_type())) {
    return at::linear(input, weight, bias);
  }
  return run(input, weight, bias, /*low_precision=*/false);
}

Tensor linear_autocast(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (!has_linear_kernel(input, weight, bias.value_or(Tensor())) ||
      at::autocast::get_autocast_dtype(at::kCPU) != at::kBFloat16) {
    return at::linear(input, weight, bias);
  }
  c10::impl::ExcludeDispatchKeyGuard guard(c10::DispatchKey::AutocastCPU);
  return run(input, weight, bias, /*low_precision=*/true);
}

}  // namespace

bool has_linear_kernel(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  if (!is_tile_operand(input) || !is_tile_operand(weight) || (bias.defined() && !is_tile_operand(bias)) ||
      input.dim() < 2 || weight.dim() != 2)
    return false;
  const int64_t n = weight.size(0), k = weight.size(1);
  if (k == 0 || input.size(-1) != k || (bias.defined() && (bias.dim() != 1 || bias.size(0) != n))) return false;
  return amx::worthwhile(input.numel() / k, n, k);
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("noether::linear", "")
                             .typed<Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&)>();
  return op.call(input, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
}

TORCH_LIBRARY_FRAGMENT(noether, library) {
  library.def("linear(Tensor input, Tensor weight, Tensor? bias) -> Tensor");
}
TORCH_LIBRARY_IMPL(noether, CompositeExplicitAutograd, library) {
  library.impl("linear", TORCH_FN(linear_autograd));
}
TORCH_LIBRARY_IMPL(noether, Autograd, library) {
  library.impl("linear", TORCH_FN(linear_autograd));
}
TORCH_LIBRARY_IMPL(noether, AutocastCPU, library) {
  library.impl("linear", TORCH_FN(linear_autocast));
}

}  // namespace noether
