// The linear layer as a dispatcher operator:
//
//   noether::linear(Tensor input, Tensor weight, Tensor? bias) -> Tensor
//
// input weight^T + bias with input (..., K), weight (N, K), bias (N). Products that are large enough go through the
// kernels of kernels/matrix_product.h where the machine has one, forward and backward; anything else is
// torch.nn.functional.linear.
// Under autocast the weight is rounded while it is packed, instead of copied, and its gradient stays in float32.
#include "ops/linear.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/matrix_product.h"
#include "ops/dense.h"
#include "ops/matmul.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor as_matrix(const Tensor& t) {
  return t.dim() == 2 ? t : t.reshape({-1, t.size(-1)});
}

Tensor compute(const Tensor& input, const Tensor& weight, const Tensor& bias, bool low_precision) {
  const auto type = low_precision ? at::kBFloat16 : input.scalar_type();
  const Tensor offset = bias.defined() ? bias.to(at::kFloat).contiguous() : bias;
  const Tensor out = kernel_product(as_matrix(input), weight.t(), offset, type, low_precision);
  if (!out.defined()) return at::linear(input, weight, bias);
  auto sizes = input.sizes().vec();
  sizes.back() = weight.size(0);
  return out.view(sizes);
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                        const std::optional<Tensor>& bias, bool low_precision) {
    at::AutoDispatchBelowADInplaceOrView guard;
    // Each is needed for the other's gradient only; what is not saved may be freed, or changed in place.
    context->save_for_backward({weight.requires_grad() ? input : Tensor(), input.requires_grad() ? weight : Tensor()});
    context->saved_data["low_precision"] = low_precision;
    context->saved_data["columns"] = weight.size(1);
    context->saved_data["input_type"] = input.scalar_type();
    context->saved_data["weight_type"] = weight.scalar_type();
    context->saved_data["bias_type"] = bias ? bias->scalar_type() : at::ScalarType::Undefined;
    return compute(input, weight, bias.value_or(Tensor()), low_precision);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &input = saved[0], &weight = saved[1], grad = as_matrix(in_memory(gradients[0]));
    const bool low_precision = context->saved_data["low_precision"].toBool();
    const auto type = [&](const char* name) { return context->saved_data[name].toScalarType(); };
    variable_list results(4);
    if (context->needs_input_grad(0)) {
      auto sizes = gradients[0].sizes().vec();
      sizes.back() = context->saved_data["columns"].toInt();
      results[0] = gradient_product(grad, weight, type("input_type"), low_precision).view(sizes);
    }
    if (context->needs_input_grad(1))
      results[1] = gradient_product(grad.t(), as_matrix(input), type("weight_type"), low_precision);
    // A bias that is not there has no place among the inputs to ask for.
    const auto bias_type = type("bias_type");
    if (bias_type != at::ScalarType::Undefined && context->needs_input_grad(2))
      results[2] = grad.sum(0, false, bias_type);
    return results;
  }
};

Tensor run(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias, bool low_precision) {
  const bool records = input.requires_grad() || weight.requires_grad() || (bias && bias->requires_grad());
  if (at::GradMode::is_enabled() && records) return LinearFunction::apply(input, weight, bias, low_precision);
  at::AutoDispatchBelowADInplaceOrView guard;
  return compute(input, weight, bias.value_or(Tensor()), low_precision);
}

Tensor linear_autograd(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (!has_linear_kernel(input, weight, bias.value_or(Tensor())) || input.scalar_type() != weight.scalar_type() ||
      (bias && bias->defined() && bias->scalar_type() != input.scalar_type())) {
    return at::linear(input, weight, bias);
  }
  return run(input, weight, bias, /*low_precision=*/false);
}

// The input is cast as PyTorch does it: what is saved takes half the memory, and is packed faster.
Tensor linear_autocast(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (!has_linear_kernel(input, weight, bias.value_or(Tensor()), /*low_precision=*/true) ||
      at::autocast::get_autocast_dtype(at::kCPU) != at::kBFloat16) {
    return at::linear(input, weight, bias);
  }
  c10::impl::ExcludeDispatchKeyGuard guard(c10::DispatchKey::AutocastCPU);
  return run(input.to(at::kBFloat16), weight, bias, /*low_precision=*/true);
}

}  // namespace

bool has_linear_kernel(const Tensor& input, const Tensor& weight, const Tensor& bias, bool low_precision) {
  if (!is_dense_cpu_float_or_bfloat16(input) || !is_dense_cpu_float_or_bfloat16(weight) ||
      (bias.defined() && !is_dense_cpu_float_or_bfloat16(bias)) || input.dim() < 2 || weight.dim() != 2)
    return false;
  const int64_t n = weight.size(0), k = weight.size(1);
  if (k == 0 || input.size(-1) != k || (bias.defined() && (bias.dim() != 1 || bias.size(0) != n))) return false;
  return kernels::find_matrix_product({input.numel() / k, n, k, is_float32_product(input, weight, low_precision)}) !=
         nullptr;
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  static const auto op =
      find_operator<Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&)>("noether::linear");
  return op.call(input, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
}

NOETHER_LIBRARY(library) {
  define_recording(library, "linear(Tensor input, Tensor weight, Tensor? bias) -> Tensor", TORCH_FN(linear_autograd));
  implement(library, "linear", TORCH_FN(linear_autocast), {c10::DispatchKey::AutocastCPU});
}

}  // namespace noether
