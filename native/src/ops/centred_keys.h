#pragma once

#include <ATen/core/Tensor.h>

namespace noether {

struct CentredKeys {
  at::Tensor keys;       // (B, H, M, d)
  at::Tensor logsumexp;  // (B, H, N), of their logits
};

// The keys of attention moved so that their mean is zero, for ATen's backward pass, which gives the same gradients for
// them: no shift of all keys changes a softmax.
//
// It gives better ones. The gradient of a query is the sum of the keys times the gradients of its logits. These sum to
// zero but for rounding, and what rounding leaves meets the mean key. Where weights are nearly equal, as in untrained
// models, that is most of the error: centred keys make the queries' gradients 3 to 10 times as exact.
//
// q (B, H, N, d) and k with channels next to each other. Types other than float32 are given back as they are: bfloat16
// would round the keys anew, float64 has digits to spare.
CentredKeys centred_keys(const at::Tensor& q, const at::Tensor& k, const at::Tensor& logsumexp);

}  // namespace noether
