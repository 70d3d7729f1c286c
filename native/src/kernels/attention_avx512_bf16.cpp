// Attention in bfloat16 with AVX512_BF16: pairs of values next to each other along a sum are multiplied at once.
#include "kernels/attention.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernels/instruction_sets.h"

#pragma GCC diagnostic ignored "-Wuninitialized"  // both of GCC's own AVX-512 header (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
NOETHER_FOR_AVX512_BF16
#pragma GCC optimize("O3")

#include "kernels/avx512_vector.h"
// The vector first: the others are written with it.
#include "kernels/attention_vector_backward.h"
#include "kernels/attention_vector_forward.h"
#include "kernels/avx512_bf16.h"

namespace noether::kernels {
namespace {

struct PairValues {
  using In = Half;
  using Elem = uint32_t;
  static constexpr int kPair = 2;
  static constexpr bool kInPlace = true;
  static constexpr int kDegree = 3;
  static Vector::Type load(const Elem* p) { return _mm512_loadu_ps(p); }
  static Vector::Type same(const char* p) {
    int pair;
    std::memcpy(&pair, p, sizeof pair);
    return _mm512_castsi512_ps(_mm512_set1_epi32(pair));
  }
  static Vector::Type multiply_add(Vector::Type a, Vector::Type b, Vector::Type sum) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  static void copy(const Half* source, int count, Elem* target) { std::memcpy(target, source, count * sizeof(Elem)); }
};

template <>
struct Packing<PairValues> {
  // Two rows next to each other make one of pairs; a missing one is zero.
  static void rows(const Half* source, long stride, int valid, int channels, int padded, const float*,
                   uint32_t* target) {
    for (int r = 0; r < valid; r += 2, source += 2 * stride, target += padded) {
      for (int d = 0; d < padded; d += kLanes) {
        const __mmask16 inside = first16(channels - d);
        const __m256i even = _mm256_maskz_loadu_epi16(inside, source + d);
        const __m256i odd = _mm256_maskz_loadu_epi16(r + 1 < valid ? inside : 0, source + stride + d);
        const __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16);
        _mm512_storeu_si512(target + d, _mm512_or_si512(_mm512_cvtepu16_epi32(even), high));
      }
    }
  }
  static void store_keys(uint32_t* target, long, Vector::Type first, Vector::Type second) {
    _mm512_storeu_si512(target, _mm512_permutexvar_epi16(interleaving(), to_halves(first, second)));
  }
  static void store_queries(uint32_t* target, Vector::Type queries) {
    store16(reinterpret_cast<Half*>(target), queries);
  }
};

}  // namespace

bool attention_avx512_bf16_forward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v,
                                   Rows out, float* logsumexp) {
  return attention_forward<PairValues>(problem, runtime, q, k, v, out, logsumexp);
}

void attention_avx512_bf16_backward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v,
                                    Rows out, Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k,
                                    Rows grad_v) {
  attention_backward<PairValues>(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
