// Attention as a dispatcher operator:
//
//   noether::attention(Tensor q, Tensor k, Tensor v) -> Tensor
//
// torch.nn.functional.scaled_dot_product_attention without mask and dropout: softmax(q k^T / sqrt(d)) v with q (B, H,
// N, d), k and v (B, H, M, d). What kernels/attention.h has a kernel for on this machine goes through it, other tensors
// on the CPU through ATen's flash attention; both have gradients of gradients here.
// The result lies in memory as (B, N, H, d), so that heads merge for free.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "kernels/aten_runtime.h"
#include "kernels/attention.h"
#include "ops/centred_keys.h"
#include "ops/dense.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What ATen's flash attention on the CPU takes; like ours it stores no matrix of queries x keys.
bool fits_flash(const Tensor& q, const Tensor& k, const Tensor& v) {
  const auto type = q.scalar_type();
  const auto fits = [type](const Tensor& t) { return is_dense_cpu(t, type) && t.dim() == 4 && t.numel() > 0; };
  return (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf || type == at::kDouble) && fits(q) &&
         fits(k) && fits(v) && k.size(0) == q.size(0) && k.size(1) == q.size(1) && k.size(3) == q.size(3) &&
         v.sizes() == k.sizes();
}

kernels::Rows rows(const Tensor& t) {
  return {t.data_ptr(), t.stride(0), t.stride(1), t.stride(2)};
}
Tensor with_rows(const Tensor& t) {
  return t.stride(3) == 1 ? t : t.contiguous();
}

// (B, H, N, d) that lies in memory as (B, N, H, d).
Tensor empty_like_merged(const Tensor& t) {
  return at::empty({t.size(0), t.size(2), t.size(1), t.size(3)}, t.options()).transpose(1, 2);
}

kernels::AttentionProblem problem_of(const Tensor& q, const Tensor& k) {
  return {static_cast<int>(q.size(0)),     static_cast<int>(q.size(1)),
          static_cast<int>(q.size(2)),     static_cast<int>(k.size(2)),
          static_cast<int>(q.size(3)),     static_cast<float>(1 / std::sqrt(static_cast<double>(q.size(3)))),
          q.scalar_type() == at::kBFloat16};
}

// The kernel for these tensors; null: ATen's.
const kernels::AttentionKernel* find_kernel(const Tensor& q, const Tensor& k) {
  constexpr int64_t kMost = 1 << 24;  // tokens: positions are counted in 32 bits
  const bool known = q.scalar_type() == at::kFloat || q.scalar_type() == at::kBFloat16;
  if (!known || q.size(2) >= kMost || k.size(2) >= kMost) return nullptr;
  return kernels::find_attention(problem_of(q, k));
}

struct Attended {
  Tensor out, logsumexp;
};

// Tensors have channels next to each other and fit flash attention.
Attended attend(const Tensor& q, const Tensor& k, const Tensor& v) {
  if (const auto* kernel = find_kernel(q, k)) {
    Tensor out = empty_like_merged(q), large;
    Tensor logsumexp = at::empty({q.size(0), q.size(1), q.size(2)}, q.options().dtype(at::kFloat));
    if (kernel->passes.forward(problem_of(q, k), kernels::aten_runtime(large), rows(q), rows(k), rows(v), rows(out),
                        logsumexp.mutable_data_ptr<float>())) {
      return {out, logsumexp};
    }
  }
  auto [out, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(q, k, v);
  return {out, logsumexp};
}

// The same by operators that have every derivative.
Tensor by_operators(const Tensor& q, const Tensor& k, const Tensor& v) {
  const double width = std::sqrt(static_cast<double>(q.size(-1)));
  return at::softmax(q.matmul(k.transpose(-1, -2)) / width, -1).matmul(v);
}

struct FusedAttention : torch::autograd::Function<FusedAttention> {
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& k, const Tensor& v) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto [out, logsumexp] = attend(with_rows(q), with_rows(k), with_rows(v));
    context->save_for_backward({q, k, v, out, logsumexp});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    if (at::GradMode::is_enabled() || !is_plain(gradients[0]))
      return differentiable_backward({saved[0], saved[1], saved[2]}, gradients[0]);
    const Tensor q = with_rows(saved[0]), k = with_rows(saved[1]), v = with_rows(saved[2]);
    const Tensor &out = saved[3], &logsumexp = saved[4];
    const Tensor grad_out = with_rows(in_memory(gradients[0]).to(q.scalar_type()));
    const auto* kernel = find_kernel(q, k);
    if (!kernel) {
      const auto [keys, shifted] = centred_keys(q, k, logsumexp);
      auto [grad_q, grad_k, grad_v] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
          grad_out, q, keys, v, out, shifted, /*dropout_p=*/0, /*is_causal=*/false);
      return {grad_q, grad_k, grad_v};
    }
    Tensor grad_q = empty_like_merged(q), grad_k = empty_like_merged(k), grad_v = empty_like_merged(v), large;
    kernel->passes.backward(problem_of(q, k), kernels::aten_runtime(large), rows(q), rows(k), rows(v), rows(out),
                     rows(grad_out), logsumexp.const_data_ptr<float>(), rows(grad_q), rows(grad_k), rows(grad_v));
    return {grad_q, grad_k, grad_v};
  }

  // For gradients of gradients: the same through plain operators.
  static variable_list differentiable_backward(const variable_list& inputs, const Tensor& grad_out) {
    variable_list copies;
    for (const Tensor& input : inputs)
      copies.push_back(input.requires_grad() ? input.view_as(input) : input.detach().requires_grad_());
    const Tensor out = by_operators(copies[0], copies[1], copies[2]);
    return torch::autograd::grad({out}, copies, {grad_out}, std::nullopt, /*create_graph=*/true);
  }
};

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  // ATen's flash attention has no rule for vmap and no formula for tangents
  if (!is_plain(q) || !is_plain(k) || !is_plain(v)) return by_operators(in_memory(q), in_memory(k), in_memory(v));
  if (!fits_flash(q, k, v)) return at::scaled_dot_product_attention(in_memory(q), in_memory(k), in_memory(v));
  if (at::GradMode::is_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad()))
    return FusedAttention::apply(q, k, v);
  at::AutoDispatchBelowADInplaceOrView guard;
  return attend(with_rows(q), with_rows(k), with_rows(v)).out;
}

// Under autocast, as scaled_dot_product_attention: in the lower precision.
template <c10::DispatchKey Key, c10::DeviceType Device>
Tensor attention_autocast(const Tensor& q, const Tensor& k, const Tensor& v) {
  c10::impl::ExcludeDispatchKeyGuard guard(Key);
  const auto type = at::autocast::get_autocast_dtype(Device);
  const auto cast = [type](const Tensor& t) { return at::autocast::cached_cast(type, t, Device); };
  static const auto op = find_operator<Tensor(const Tensor&, const Tensor&, const Tensor&)>("noether::attention");
  return op.call(cast(q), cast(k), cast(v));
}

}  // namespace

NOETHER_LIBRARY(library) {
  define_recording(library, "attention(Tensor q, Tensor k, Tensor v) -> Tensor", TORCH_FN(attention));
  implement(library, "attention", TORCH_FN((attention_autocast<c10::DispatchKey::AutocastCPU, c10::DeviceType::CPU>)),
            {c10::DispatchKey::AutocastCPU});
  implement(library, "attention", TORCH_FN((attention_autocast<c10::DispatchKey::Autocast, c10::DeviceType::CUDA>)),
            {c10::DispatchKey::AutocastCUDA});
}

}  // namespace noether
