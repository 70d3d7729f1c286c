// Matrix products as a dispatcher operator:
//
//   noether::matmul(Tensor left, Tensor right) -> Tensor
//
// torch.matmul; large products of matrices with the same leading dimensions go through the kernels of matmul_amx.h on
// CPUs with a tile unit, forward and backward. Under autocast operands are rounded while they are packed, instead of
// copied.
#include "ops/matmul.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "kernels/amx_runtime.h"
#include "kernels/matmul_amx.h"

namespace noether {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows or columns of each matrix lie next to each other.
Tensor with_lines(const Tensor& t) {
  return t.stride(-1) == 1 || t.stride(-2) == 1 ? t : t.contiguous();
}

amx::Matrix matrix(const Tensor& t, int64_t offset) {
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
  const Tensor out = tile_product(left, right, {}, type, low_precision);
  return out.defined() ? out : at::matmul(left, right).to(type);
}

// Operands are saved as they are, under autocast too: as a rule others have saved them as well.
struct TileMatmul : torch::autograd::Function<TileMatmul> {
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
    const Tensor &left = saved[0], &right = saved[1], &grad = gradients[0];
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
    return TileMatmul::apply(left, right, low_precision);
  at::AutoDispatchBelowADInplaceOrView guard;
  return compute(left, right, low_precision);
}

Tensor matmul_autograd(const Tensor& left, const Tensor& right) {
  if (!has_matmul_kernel(left, right) || left.scalar_type() != right.scalar_type()) return at::matmul(left, right);
  return run(left, right, /*low_precision=*/false);
}

Tensor matmul_autocast(const Tensor& left, const Tensor& right) {
  if (!has_matmul_kernel(left, right) || at::autocast::get_autocast_dtype(at::kCPU) != at::kBFloat16)
    return at::matmul(left, right);
  c10::impl::ExcludeDispatchKeyGuard guard(c10::DispatchKey::AutocastCPU);
  return run(left, right, /*low_precision=*/true);
}

}  // namespace

bool is_tile_operand(const Tensor& t) {
  return t.is_cpu() && t.layout() == at::kStrided && !t.is_neg() && !t._is_zerotensor() &&
         (t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16);
}

bool has_matmul_kernel(const Tensor& left, const Tensor& right) {
  if (!is_tile_operand(left) || !is_tile_operand(right) || left.dim() < 2 || left.dim() != right.dim()) return false;
  const int64_t k = left.size(-1);
  return k > 0 && right.size(-2) == k && left.numel() > 0 &&
         left.sizes().slice(0, left.dim() - 2) == right.sizes().slice(0, left.dim() - 2) &&
         amx::worthwhile(left.size(-2), right.size(-1), k);
}

Tensor tile_product(const Tensor& any_left, const Tensor& any_right, const Tensor& bias, at::ScalarType type,
                    bool low_precision) {
  const Tensor left = with_lines(any_left), right = with_lines(any_right);
  auto sizes = left.sizes().vec();
  sizes.back() = right.size(-1);
  Tensor out = at::empty(sizes, left.options().dtype(type)), large;
  const int64_t m = left.size(-2), n = right.size(-1), k = left.size(-1);
  const bool float32 = !low_precision && left.scalar_type() == at::kFloat && right.scalar_type() == at::kFloat;
  const auto matrix_bytes = m * n * static_cast<int64_t>(out.element_size());
  for (int64_t i = 0; i * matrix_bytes < static_cast<int64_t>(out.nbytes()); ++i) {
    const amx::Product product = {m,
                                  n,
                                  k,
                                  matrix(left, offset_of(left, i)),
                                  matrix(right, offset_of(right, i)),
                                  bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                                  static_cast<char*>(out.mutable_data_ptr()) + i * matrix_bytes,
                                  n,
                                  type == at::kBFloat16,
                                  float32};
    if (!amx::multiply(product, amx::runtime(large))) return {};
  }
  return out;
}

Tensor gradient_product(const Tensor& left, const Tensor& right, at::ScalarType type, bool low_precision) {
  const Tensor out = at::GradMode::is_enabled() ? Tensor() : tile_product(left, right, {}, type, low_precision);
  if (out.defined()) return out;
  const auto common = at::promote_types(left.scalar_type(), right.scalar_type());
  return at::matmul(left.to(common), right.to(common)).to(type);
}

Tensor matmul(const Tensor& left, const Tensor& right) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("noether::matmul", "")
                             .typed<Tensor(const Tensor&, const Tensor&)>();
  return op.call(left, right);
}

TORCH_LIBRARY_FRAGMENT(noether, library) {
  library.def("matmul(Tensor left, Tensor right) -> Tensor");
}
TORCH_LIBRARY_IMPL(noether, CompositeExplicitAutograd, library) {
  library.impl("matmul", TORCH_FN(matmul_autograd));
}
TORCH_LIBRARY_IMPL(noether, Autograd, library) {
  library.impl("matmul", TORCH_FN(matmul_autograd));
}
TORCH_LIBRARY_IMPL(noether, AutocastCPU, library) {
  library.impl("matmul", TORCH_FN(matmul_autocast));
}

}  // namespace noether
