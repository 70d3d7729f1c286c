// Attention on Intel's tile unit (AMX), heads of 64 channels.
//
// bfloat16 operands are multiplied as they are; float32 operands are split into three bfloat16 planes each, of which
// six products are kept, so that results are as exact as in float32 (about 1e-6 relative). No matrix of queries x keys
// is ever stored.
#pragma once

#include "kernels/attention.h"

namespace noether::kernels {

// False where a float32 result is not finite: bfloat16 planes hold no infinities.
bool attention_amx_forward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                           float* logsumexp);

void attention_amx_backward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                            Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v);

}  // namespace noether::kernels
