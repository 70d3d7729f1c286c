// Vectors of AVX512_BF16. To be included inside the region of a kernel's file that is compiled for it.
#pragma once

#include "kernels/avx512.h"

namespace noether::kernels {
namespace {

inline void store16(Half* p, __m512 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

inline __m512i to_halves(__m512 low, __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

// Order that interleaves the 16 words of the low half with those of the high half.
inline __m512i interleaving() {
  alignas(64) static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_load_si512(order);
}

}  // namespace
}  // namespace noether::kernels
