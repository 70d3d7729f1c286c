// Attention without mask: the problem, and the table of its implementations.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernel_table.h"
#include "kernels/runtime.h"

namespace noether::kernels {

// A (batch, heads, rows, channels) array with channels next to each other; strides in elements.
struct Rows {
  void* data;
  int64_t batch;
  int64_t head;
  int64_t row;
};

struct AttentionProblem {
  int batch;
  int heads;
  int queries;
  int keys;
  int channels;
  float scale;    // of the logits
  bool bfloat16;  // else float32, and as exact
};

struct AttentionPasses {
  // out = softmax(q k^T scale) v; `logsumexp` (batch, heads, queries), in natural logarithms, is kept for the backward
  // pass. False, with an undefined `out`, where the values are not for this kernel.
  bool (*forward)(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                  float* logsumexp);
  void (*backward)(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                   Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v);
};

struct AttentionKernel {
  const char* name;
  Requirement requirement;
  bool (*takes)(const AttentionProblem& problem);
  // Whether it pays off against what comes after it, and ATen's.
  bool (*worthwhile)(const AttentionProblem& problem);
  AttentionPasses passes;
};

#define NOETHER_ATTENTION_PASSES(name)                                                                              \
  bool attention_##name##_forward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, \
                                  Rows out, float* logsumexp);                                                      \
  void attention_##name##_backward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, \
                                   Rows out, Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k,      \
                                   Rows grad_v);
NOETHER_ATTENTION_PASSES(avx512)
NOETHER_ATTENTION_PASSES(avx512_bf16)
NOETHER_ATTENTION_PASSES(avx2)
#undef NOETHER_ATTENTION_PASSES

// The first implementation that this machine has and that is worthwhile; null: there is none.
const AttentionKernel* find_attention(const AttentionProblem& problem);

std::vector<KernelStatus> attention_kernels();

}  // namespace noether::kernels
