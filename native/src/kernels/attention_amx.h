// Attention on Intel's tile unit (AMX), heads of 64 channels, forward and backward.
//
// bfloat16 operands are multiplied as they are; float32 operands are split into three bfloat16 planes each, of which
// six products are kept, so that results are as exact as in float32 (about 1e-6 relative). No matrix of queries x keys
// is ever stored.
#pragma once

#include <cstdint>

#include "kernels/amx.h"

namespace noether::amx {

// A (batch, heads, rows, 64) array with channels next to each other; strides in elements.
struct Rows {
  void* data;
  int64_t batch;
  int64_t head;
  int64_t row;
};

struct Problem {
  int batch;
  int heads;
  int queries;
  int keys;
  float scale;  // of the logits
  bool bfloat16;
};

// out = softmax(q k^T scale) v; `logsumexp` (batch, heads, queries) is kept for the backward pass. False, with an
// undefined `out`, where a float32 result is not finite: bfloat16 planes hold no infinities.
bool forward(const Problem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out, float* logsumexp);

void backward(const Problem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out, Rows grad_out,
              const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v);

}  // namespace noether::amx
