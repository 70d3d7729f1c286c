// The vocabulary of vector_products.h and what builds on it, in AVX2 with FMA: `Vector`, 8 lanes. To be included inside the
// region of a kernel's file that is compiled for it.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace noether::kernels {
namespace {

using Half = uint16_t;  // bfloat16

struct Vector {
  using Type = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;

  static Type zero() { return _mm256_setzero_ps(); }
  static Type all(float x) { return _mm256_set1_ps(x); }
  static Type load(const float* p) { return _mm256_loadu_ps(p); }
  static Type load(const Half* p) {
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
  }
  static void store(float* p, Type v) { _mm256_storeu_ps(p, v); }
  // Rounded to the nearest even.
  static void store(Half* p, Type v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i words = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc00000), nan), 16);
    const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }

  static Type add(Type a, Type b) { return _mm256_add_ps(a, b); }
  static Type subtract(Type a, Type b) { return _mm256_sub_ps(a, b); }
  static Type multiply(Type a, Type b) { return _mm256_mul_ps(a, b); }
  static Type multiply_add(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }       // a b + c
  static Type multiply_subtract(Type a, Type b, Type c) { return _mm256_fmsub_ps(a, b, c); }  // a b - c
  static Type larger(Type a, Type b) { return _mm256_max_ps(a, b); }
  static bool any_above(Type a, Type b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)) != 0; }
  static float sum(Type v) {
    const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
  }

  // 2^x by a polynomial on [0, 1); below the smallest normal number zero. Degree 3 is enough for bfloat16.
  template <int Degree>
  static Type exp2(Type x) {
    // The order of the operands keeps what is not a number.
    const Type bounded = _mm256_min_ps(_mm256_set1_ps(128), _mm256_max_ps(_mm256_set1_ps(-127), x));
    const Type whole = _mm256_floor_ps(bounded), f = _mm256_sub_ps(bounded, whole);
    Type p;
    const auto step = [&](float c) __attribute__((always_inline)) { p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(c)); };
    if constexpr (Degree >= 5) {
      p = _mm256_set1_ps(1.877576608e-03F);
      step(8.989340253e-03F);
      step(5.582631792e-02F);
      step(2.401536171e-01F);
      step(6.931530732e-01F);
      step(9.999999251e-01F);
    } else {
      p = _mm256_set1_ps(7.802451679e-02F);
      step(2.260671637e-01F);
      step(6.958335376e-01F);
      step(9.999252187e-01F);
    }
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
    return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
  }

  // Transposes 8 x 8 values of 32 bits; strides in bytes.
  static void transpose(const void* source, long source_stride, void* target, long target_stride) {
    const char* from = static_cast<const char*>(source);
    char* to = static_cast<char*>(target);
    __m256 r[8], t[8];
    for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(reinterpret_cast<const float*>(from + i * source_stride));
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
      r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
      r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
      r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
      t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
    for (int i = 0; i < 8; ++i) _mm256_storeu_ps(reinterpret_cast<float*>(to + i * target_stride), t[i]);
  }
};

}  // namespace
}  // namespace noether::kernels
