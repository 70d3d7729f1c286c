// Matrix products as a dispatcher operator:
//
//   noether::matmul(Tensor left, Tensor right) -> Tensor
//
// torch.matmul; large products of matrices with the same leading dimensions go through the kernels of
// kernels/matrix_product.h where the machine has one, forward and backward. Under autocast operands are rounded while
// they are packed, instead of copied.
#include "ops/matmul.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/aten_runtime.h"
#include "kernels/matrix_product.h"
#include "ops/dense.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows or columns of each matrix lie next to each other.
Tensor with_lines(const Tensor& t) {
  return t.stride(-1) == 1 || t.stride(-2) == 1 ? t : t.contiguous();
}

kernels::Matrix matrix(const Tensor& t, int64_t offset) {
  const bool transposed = t.stride(-1) != 1;
  const auto* data = static_cast<const char*>(t.const_data_ptr()) + offset * static_cast<int64_t>(t.element_size());
  return {data, transposed ? t.stride(-1) : t.stride(-2), t.scalar_type() == at::kBFloat16, transposed};
}

// Where the index-th of the leading matrices starts, in elements.
int64_t offset_of(const Tensor& t, int64_t index) {
  int64_t offset = 0;
  for (int64_t d = t.dim() - 3; d >= 0; --d) {
    offset += index % t.size(d) * t.stride(d);
    index /= t.size(d);
  }
  return offset;
}

Tensor compute(const Tensor& left, const Tensor& right, bool low_precision) {
  const auto type = low_precision ? at::kBFloat16 : left.scalar_type();
  const Tensor out = kernel_product(left, right, {}, type, low_precision);
  return out.defined() ? out : at::matmul(left, right).to(type);
}

// Operands are saved as they are, under autocast too: as a rule others have saved them as well.
struct MatmulFunction : torch::autograd::Function<MatmulFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& left, const Tensor& right, bool low_precision) {
    at::AutoDispatchBelowADInplaceOrView guard;
    // Each is needed for the other's gradient only; what is not saved may be freed, or changed in place.
    context->save_for_backward({right.requires_grad() ? left : Tensor(), left.requires_grad() ? right : Tensor()});
    context->saved_data["low_precision"] = low_precision;
    context->saved_data["left_type"] = left.scalar_type();
    context->saved_data["right_type"] = right.scalar_type();
    return compute(left, right, low_precision);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &left = saved[0], &right = saved[1], grad = in_memory(gradients[0]);
    const bool low_precision = context->saved_data["low_precision"].toBool();
    const auto type = [&](const char* name) { return context->saved_data[name].toScalarType(); };
    variable_list results(3);
    if (context->needs_input_grad(0))
      results[0] = gradient_product(grad, right.transpose(-1, -2), type("left_type"), low_precision);
    if (context->needs_input_grad(1))
      results[1] = gradient_product(left.transpose(-1, -2), grad, type("right_type"), low_precision);
    return results;
  }
};

Tensor run(const Tensor& left, const Tensor& right, bool low_precision) {
  if (at::GradMode::is_enabled() && (left.requires_grad() || right.requires_grad()))
    return MatmulFunction::apply(left, right, low_precision);
  at::AutoDispatchBelowADInplaceOrView guard;
  return compute(left, right, low_precision);
}

Tensor matmul_autograd(const Tensor& left, const Tensor& right) {
  if (!has_matmul_kernel(left, right) || left.scalar_type() != right.scalar_type()) return at::matmul(left, right);
  return run(left, right, /*low_precision=*/false);
}

Tensor matmul_autocast(const Tensor& left, const Tensor& right) {
  if (!has_matmul_kernel(left, right, /*low_precision=*/true) ||
      at::autocast::get_autocast_dtype(at::kCPU) != at::kBFloat16)
    return at::matmul(left, right);
  c10::impl::ExcludeDispatchKeyGuard guard(c10::DispatchKey::AutocastCPU);
  return run(left, right, /*low_precision=*/true);
}

}  // namespace

bool is_float32_product(const Tensor& left, const Tensor& right, bool low_precision) {
  return !low_precision && left.scalar_type() == at::kFloat && right.scalar_type() == at::kFloat;
}

bool has_matmul_kernel(const Tensor& left, const Tensor& right, bool low_precision) {
  if (!is_dense_cpu_float_or_bfloat16(left) || !is_dense_cpu_float_or_bfloat16(right) || left.dim() < 2 ||
      left.dim() != right.dim())
    return false;
  const int64_t k = left.size(-1);
  return k > 0 && right.size(-2) == k && left.numel() > 0 &&
         left.sizes().slice(0, left.dim() - 2) == right.sizes().slice(0, left.dim() - 2) &&
         kernels::find_matrix_product(
             {left.size(-2), right.size(-1), k, is_float32_product(left, right, low_precision)});
}

Tensor kernel_product(const Tensor& any_left, const Tensor& any_right, const Tensor& bias, at::ScalarType type,
                      bool low_precision) {
  const Tensor left = with_lines(any_left), right = with_lines(any_right);
  auto sizes = left.sizes().vec();
  sizes.back() = right.size(-1);
  Tensor out = at::empty(sizes, left.options().dtype(type)), large;
  const int64_t m = left.size(-2), n = right.size(-1), k = left.size(-1);
  const bool float32 = is_float32_product(left, right, low_precision);
  const auto matrix_bytes = m * n * static_cast<int64_t>(out.element_size());
  for (int64_t i = 0; i * matrix_bytes < static_cast<int64_t>(out.nbytes()); ++i) {
    const kernels::Product product = {m,
                                      n,
                                      k,
                                      matrix(left, offset_of(left, i)),
                                      matrix(right, offset_of(right, i)),
                                      bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                                      static_cast<char*>(out.mutable_data_ptr()) + i * matrix_bytes,
                                      n,
                                      type == at::kBFloat16,
                                      float32};
    if (!kernels::multiply(product, kernels::aten_runtime(large))) return {};
  }
  return out;
}

Tensor gradient_product(const Tensor& left, const Tensor& right, at::ScalarType type, bool low_precision) {
  const bool by_operators = at::GradMode::is_enabled() || !is_plain(left) || !is_plain(right);
  const Tensor out = by_operators ? Tensor() : kernel_product(left, right, {}, type, low_precision);
  if (out.defined()) return out;
  const auto common = at::promote_types(left.scalar_type(), right.scalar_type());
  return at::matmul(left.to(common), right.to(common)).to(type);
}

Tensor matmul(const Tensor& left, const Tensor& right) {
  static const auto op = find_operator<Tensor(const Tensor&, const Tensor&)>("noether::matmul");
  return op.call(left, right);
}

NOETHER_LIBRARY(library) {
  define_recording(library, "matmul(Tensor left, Tensor right) -> Tensor", TORCH_FN(matmul_autograd));
  implement(library, "matmul", TORCH_FN(matmul_autocast), {c10::DispatchKey::AutocastCPU});
}

}  // namespace noether
