// Attention as a dispatcher operator:
//
//   noether::attention(Tensor q, Tensor k, Tensor v) -> Tensor
//
// softmax(q k^T / sqrt(d)) v with q (B, H, N, d), k and v (B, H, M, d). On CPUs with a tile unit, heads of 64 channels
// and enough tokens go through the kernels of attention_amx.h, which are faster than ATen's, above all in the backward
// pass; anything else is torch.nn.functional.scaled_dot_product_attention. The result lies in memory as (B, N, H, d),
// so that heads merge for free.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>

#include "amx_runtime.h"
#include "attention_amx.h"

namespace noether {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kChannels = 64;
// Below, packing costs more than the tile unit saves.
constexpr int64_t kMinQueries = 64;
constexpr int64_t kMinKeys = 128;

bool fits_kernel(const Tensor& q, const Tensor& k, const Tensor& v) {
  const auto type = q.scalar_type();
  return q.is_cpu() && k.is_cpu() && v.is_cpu() && (type == at::kFloat || type == at::kBFloat16) &&
         k.scalar_type() == type && v.scalar_type() == type && q.dim() == 4 && k.dim() == 4 && v.dim() == 4 &&
         q.size(3) == kChannels && k.size(3) == kChannels && v.size(3) == kChannels && k.size(0) == q.size(0) &&
         k.size(1) == q.size(1) && v.sizes() == k.sizes() && q.size(2) >= kMinQueries && k.size(2) >= kMinKeys &&
         q.size(2) < (1 << 24) && k.size(2) < (1 << 24) && q.size(0) > 0 && q.size(1) > 0 && amx::available();
}

amx::Rows rows(const Tensor& t) {
  return {t.data_ptr(), t.stride(0), t.stride(1), t.stride(2)};
}
Tensor with_rows(const Tensor& t) {
  return t.stride(3) == 1 ? t : t.contiguous();
}

// (B, H, N, d) that lies in memory as (B, N, H, d).
Tensor empty_like_merged(const Tensor& t) {
  return at::empty({t.size(0), t.size(2), t.size(1), t.size(3)}, t.options()).transpose(1, 2);
}

amx::Problem problem_of(const Tensor& q, const Tensor& k) {
  return {static_cast<int>(q.size(0)),
          static_cast<int>(q.size(1)),
          static_cast<int>(q.size(2)),
          static_cast<int>(k.size(2)),
          static_cast<float>(1 / std::sqrt(static_cast<double>(kChannels))),
          q.scalar_type() == at::kBFloat16};
}

struct TileAttention : torch::autograd::Function<TileAttention> {
  static Tensor forward(AutogradContext* context, const Tensor& q_any, const Tensor& k_any, const Tensor& v_any) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const Tensor q = with_rows(q_any), k = with_rows(k_any), v = with_rows(v_any);
    Tensor out = empty_like_merged(q),
           lse = at::empty({q.size(0), q.size(1), q.size(2)}, q.options().dtype(at::kFloat)), large;
    amx::forward(problem_of(q, k), amx::runtime(large), rows(q), rows(k), rows(v), rows(out),
                 lse.mutable_data_ptr<float>());
    if (context) context->save_for_backward({q_any, k_any, v_any, out, lse});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    if (at::GradMode::is_enabled()) return differentiable_backward({saved[0], saved[1], saved[2]}, gradients[0]);
    const Tensor q = with_rows(saved[0]), k = with_rows(saved[1]), v = with_rows(saved[2]);
    const Tensor grad_out = with_rows(gradients[0].to(q.scalar_type()));
    Tensor grad_q = empty_like_merged(q), grad_k = empty_like_merged(k), grad_v = empty_like_merged(v), large;
    amx::backward(problem_of(q, k), amx::runtime(large), rows(q), rows(k), rows(v), rows(saved[3]), rows(grad_out),
                  saved[4].const_data_ptr<float>(), rows(grad_q), rows(grad_k), rows(grad_v));
    return {grad_q, grad_k, grad_v};
  }

  // For gradients of gradients: the same through plain operators.
  static variable_list differentiable_backward(const variable_list& inputs, const Tensor& grad_out) {
    variable_list copies;
    for (const Tensor& input : inputs)
      copies.push_back(input.requires_grad() ? input.view_as(input) : input.detach().requires_grad_());
    const Tensor out =
        at::softmax(copies[0].matmul(copies[1].transpose(-1, -2)) / std::sqrt(static_cast<double>(kChannels)), -1)
            .matmul(copies[2]);
    return torch::autograd::grad({out}, copies, {grad_out}, std::nullopt, /*create_graph=*/true);
  }
};

Tensor attention_autograd(const Tensor& q, const Tensor& k, const Tensor& v) {
  return fits_kernel(q, k, v) ? TileAttention::apply(q, k, v) : at::scaled_dot_product_attention(q, k, v);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  return fits_kernel(q, k, v) ? TileAttention::forward(nullptr, q, k, v) : at::scaled_dot_product_attention(q, k, v);
}

// Under autocast, as scaled_dot_product_attention: in the lower precision.
template <c10::DispatchKey Key, c10::DeviceType Device>
Tensor attention_autocast(const Tensor& q, const Tensor& k, const Tensor& v) {
  c10::impl::ExcludeDispatchKeyGuard guard(Key);
  const auto type = at::autocast::get_autocast_dtype(Device);
  const auto cast = [type](const Tensor& t) { return at::autocast::cached_cast(type, t, Device); };
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("noether::attention", "")
                             .typed<Tensor(const Tensor&, const Tensor&, const Tensor&)>();
  return op.call(cast(q), cast(k), cast(v));
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(noether, library) {
  library.def("attention(Tensor q, Tensor k, Tensor v) -> Tensor");
}
TORCH_LIBRARY_IMPL(noether, CompositeExplicitAutograd, library) {
  library.impl("attention", TORCH_FN(attention));
}
TORCH_LIBRARY_IMPL(noether, Autograd, library) {
  library.impl("attention", TORCH_FN(attention_autograd));
}
TORCH_LIBRARY_IMPL(noether, AutocastCPU, library) {
  library.impl("attention", TORCH_FN((attention_autocast<c10::DispatchKey::AutocastCPU, c10::DeviceType::CPU>)));
}
TORCH_LIBRARY_IMPL(noether, AutocastCUDA, library) {
  library.impl("attention", TORCH_FN((attention_autocast<c10::DispatchKey::Autocast, c10::DeviceType::CUDA>)));
}

}  // namespace noether
