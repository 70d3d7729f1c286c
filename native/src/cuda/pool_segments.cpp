// noether::pool_segments_forward and pool_segments_backward on CUDA (`ops/pool_segments.cpp`, which checks the arguments).
#include "cuda/pool_segments.cuh"

#include <ATen/ATen.h>

#include <limits>
#include <optional>

#include "cuda/registration.h"
#include "cuda/tensors.h"

namespace noether::cuda {
namespace {

using at::Tensor;
using Valid = std::optional<Tensor>;

// `valid` is dense.
Segments segments_of(const Valid& valid, int64_t count, int64_t places, int64_t channels, bool mean,
                     at::ScalarType type, at::ScalarType pooled_type) {
  TORCH_CHECK(channels <= std::numeric_limits<int>::max(), "too many channels: ", channels);
  Segments segments = {};
  segments.valid = valid.has_value() ? valid->const_data_ptr<bool>() : nullptr;
  segments.count = count;
  segments.places = places;
  segments.channels = static_cast<int>(channels);
  segments.mean = mean;
  segments.type = real_of(type);
  segments.pooled_type = real_of(pooled_type);
  TORCH_CHECK(pool_segments_takes(segments.type, segments.pooled_type), "no kernel for values of ", type,
              " and a result of ", pooled_type);
  return segments;
}

Valid dense(const Valid& valid) {
  return valid.has_value() ? Valid(valid->contiguous()) : std::nullopt;
}

Tensor pool(const Tensor& given, const Valid& given_valid, int64_t places, bool mean, at::ScalarType type) {
  const Launching on(given);
  const Tensor values = given.resolve_neg().contiguous();
  const Valid valid = dense(given_valid);
  const int64_t count = values.size(0) / places, channels = values.size(1);
  const Segments segments = segments_of(valid, count, places, channels, mean, values.scalar_type(), type);
  Tensor pooled = at::empty({count, channels}, values.options().dtype(type));
  C10_CUDA_CHECK(pool_segments(segments, values.const_data_ptr(), pooled.mutable_data_ptr(), on.stream));
  return pooled;
}

Tensor spread(const Tensor& given, const Valid& given_valid, int64_t places, bool mean, at::ScalarType type) {
  const Launching on(given);
  const Tensor pooled_grad = given.resolve_neg().contiguous();
  const Valid valid = dense(given_valid);
  const int64_t count = pooled_grad.size(0), channels = pooled_grad.size(1);
  const Segments segments = segments_of(valid, count, places, channels, mean, type, pooled_grad.scalar_type());
  Tensor grad = at::empty({count * places, channels}, pooled_grad.options().dtype(type));
  C10_CUDA_CHECK(spread_segments(segments, pooled_grad.const_data_ptr(), grad.mutable_data_ptr(), on.stream));
  return grad;
}

}  // namespace

NOETHER_CUDA_KERNELS(library) {
  library.impl("pool_segments_forward", TORCH_FN(pool));
  library.impl("pool_segments_backward", TORCH_FN(spread));
}

}  // namespace noether::cuda
