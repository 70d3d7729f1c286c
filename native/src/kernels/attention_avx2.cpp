// Attention with AVX2 and FMA. bfloat16 is multiplied as float32, and rounded once at the end.
#include "kernels/attention.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernels/instruction_sets.h"

#pragma GCC push_options
NOETHER_FOR_AVX2
#pragma GCC optimize("O3")

#include "kernels/avx2_vector.h"
// The vector first: the others are written with it.
#include "kernels/attention_vector_backward.h"
#include "kernels/attention_vector_forward.h"

namespace noether::kernels {

bool attention_avx2_forward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                              float* logsumexp) {
  return attention_forward_widened(problem, runtime, q, k, v, out, logsumexp);
}

void attention_avx2_backward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                               Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v) {
  attention_backward_widened(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
