// Vectors of AVX-512 (F, BW, DQ, VL). To be included inside the region of a kernel's file that is compiled for it.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace noether::kernels {
namespace {

using Half = uint16_t;  // bfloat16

inline __m512 load16(const float* p) {
  return _mm512_loadu_ps(p);
}
inline __m512 load16(const Half* p) {
  return _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
}
inline void store16(float* p, __m512 v) {
  _mm512_storeu_ps(p, v);
}

// The lowest `count` lanes.
inline __mmask16 first16(long count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffU : count <= 0 ? 0U : (1U << count) - 1U);
}
inline __mmask32 first32(long count) {
  return count >= 32 ? 0xffffffffU : count <= 0 ? 0U : (1U << count) - 1U;
}

// 2^x by a polynomial on [0, 1); results far below the smallest number are zero. Degree 3 is enough for bfloat16.
template <int Degree>
inline __m512 exp2_16(__m512 x) {
  const __m512 f = _mm512_reduce_ps(x, 9);
  __m512 p;
  const auto step = [&](float c) __attribute__((always_inline)) { p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(c)); };
  if constexpr (Degree >= 5) {
    p = _mm512_set1_ps(1.877576608e-03F);
    step(8.989340253e-03F);
    step(5.582631792e-02F);
    step(2.401536171e-01F);
    step(6.931530732e-01F);
    step(9.999999251e-01F);
  } else {
    p = _mm512_set1_ps(7.802451679e-02F);
    step(2.260671637e-01F);
    step(6.958335376e-01F);
    step(9.999252187e-01F);
  }
  return _mm512_scalef_ps(p, x);
}

// Transposes 16 x 16 values of 32 bits.
inline void transpose16(const void* source, long source_stride, void* target, long target_stride) {
  __m512i r[16], t[16];
  const char* from = static_cast<const char*>(source);
  char* to = static_cast<char*>(target);
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(from + i * source_stride);
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
  for (int i = 0; i < 16; ++i) _mm512_storeu_si512(to + i * target_stride, r[i]);
}

}  // namespace
}  // namespace noether::kernels
