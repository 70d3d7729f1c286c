// Sums or means over segments of equal length, as a dispatcher operator: what supernodes take of the messages of their edges.
//
//   noether::pool_segments(Tensor values, Tensor? valid, int places, bool mean) -> Tensor
//
// values (S K, D) hold K = places rows for each of S segments; valid (S, K), bool: which of them count, absent: all. Result (S, D): the
// sum of the rows that count, with `mean` divided by their number; zero where none does. Under autocast, as ATen's sums, in float32.
// CUDA has a kernel of its own for each direction (`cuda/pool_segments.cpp`): rows are added in float32, one after the other, and
// rounded once, so that equal inputs give equal bits; everything else is the composition of ATen's operators.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "ops/cuda_library.h"
#include "ops/dense.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;
using Valid = std::optional<Tensor>;

int64_t segments_of(const Tensor& values, const Valid& valid, int64_t places) {
  return valid.has_value() ? valid->size(0) : values.size(0) / places;
}

void check_arguments(const Tensor& values, const Valid& valid, int64_t places) {
  TORCH_CHECK(values.dim() == 2 && values.is_floating_point(),
              "pool_segments: values must be floating point of shape (S K, D), got ", values.scalar_type(),
              " of shape ", values.sizes());
  TORCH_CHECK(places > 0 || (places == 0 && valid.has_value()), "pool_segments: expected rows for each segment, got ",
              places);
  if (valid.has_value()) {
    TORCH_CHECK(valid->dim() == 2 && valid->scalar_type() == at::kBool && valid->size(1) == places &&
                    valid->device() == values.device(),
                "pool_segments: valid must be bool of shape (S, ", places, ") on the device of the values, got ",
                valid->scalar_type(), " of shape ", valid->sizes());
    TORCH_CHECK(valid->numel() == values.size(0), "pool_segments: expected ", valid->numel(),
                " rows of values, one for each place, got ", values.size(0));
  } else {
    TORCH_CHECK(values.size(0) % places == 0, "pool_segments: ", values.size(0), " rows are no segments of ", places);
  }
}

// Rows that count in each segment, at least 1: (S, 1), of a type.
Tensor degree(const Tensor& valid, at::ScalarType type) {
  return valid.sum(1, /*keepdim=*/true, at::kFloat).clamp_min(1).to(type);
}

Tensor composite(const Tensor& values, const Valid& valid, int64_t places, bool mean) {
  Tensor each = values.unflatten(0, {segments_of(values, valid, places), places});  // (S, K, D)
  if (valid.has_value()) each = at::where(valid->unsqueeze(-1), each, 0);
  const Tensor sum = each.sum(1);
  if (!mean) return sum;
  return valid.has_value() ? sum / degree(*valid, sum.scalar_type()) : sum / places;
}

// ---- the parts for which CUDA has kernels

Tensor pool(const Tensor& values, const Valid& valid, int64_t places, bool mean, at::ScalarType type) {
  return composite(values.to(at::kFloat), valid, places, mean).to(type);
}

// The way back: what each row gets of the gradient (S, D), of a type; by operators that have gradients too.
Tensor spread(const Tensor& grad, const Valid& valid, int64_t places, bool mean, at::ScalarType type) {
  Tensor share = grad.to(at::kFloat);
  if (mean) share = valid.has_value() ? share / degree(*valid, at::kFloat) : share / places;
  Tensor each = share.unsqueeze(1).expand({grad.size(0), places, grad.size(1)});
  if (valid.has_value()) each = at::where(valid->unsqueeze(-1), each, 0);
  return each.to(type).reshape({grad.size(0) * places, grad.size(1)});
}

bool has_kernel(const Tensor& values, const Valid& valid) {
  const auto fits = [](const Tensor& t) {
    return t.is_cuda() && t.layout() == at::kStrided && !t._is_zerotensor() && is_plain(t) && t.numel() > 0;
  };
  const auto type = values.scalar_type();
  return cuda_library_problem().empty() && fits(values) && (!valid.has_value() || fits(*valid)) &&
         (type == at::kFloat || type == at::kHalf || type == at::kBFloat16);
}

struct SegmentPooling : torch::autograd::Function<SegmentPooling> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& values, const Valid& valid,
                        int64_t places, bool mean) {
    static const auto op = find_operator<decltype(pool)>("noether::pool_segments_forward");
    context->save_for_backward({valid.value_or(Tensor())});
    context->saved_data["places"] = places;
    context->saved_data["mean"] = mean;
    context->saved_data["type"] = values.scalar_type();
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto type = at::autocast::is_autocast_enabled(at::kCUDA) ? at::kFloat : values.scalar_type();
    return op.call(values, valid, places, mean, type);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    static const auto op = find_operator<decltype(spread)>("noether::pool_segments_backward");
    const Tensor saved = context->get_saved_variables()[0], grad = in_memory(gradients[0]);
    const Valid valid = saved.defined() ? Valid(saved) : std::nullopt;
    const int64_t places = context->saved_data["places"].toInt();
    const bool mean = context->saved_data["mean"].toBool();
    const auto type = context->saved_data["type"].toScalarType();
    return {at::GradMode::is_enabled() || !is_plain(grad) ? spread(grad, valid, places, mean, type)
                                                          : op.call(grad, valid, places, mean, type),
            Tensor(), Tensor(), Tensor()};
  }
};

Tensor pool_segments(const Tensor& values, const Valid& valid, int64_t places, bool mean) {
  check_arguments(values, valid, places);
  if (!has_kernel(values, valid)) return composite(values, valid, places, mean);
  return SegmentPooling::apply(values, valid, places, mean);
}

}  // namespace

NOETHER_LIBRARY(library) {
  define_recording(library, "pool_segments(Tensor values, Tensor? valid, int places, bool mean) -> Tensor",
                   TORCH_FN(pool_segments));
  define_plain(library,
               "pool_segments_forward(Tensor values, Tensor? valid, int places, bool mean, ScalarType dtype) -> Tensor",
               TORCH_FN(pool));
  define_plain(library,
               "pool_segments_backward(Tensor grad, Tensor? valid, int places, bool mean, ScalarType dtype) -> Tensor",
               TORCH_FN(spread));
}

}  // namespace noether
