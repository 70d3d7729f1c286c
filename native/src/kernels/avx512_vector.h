// The vocabulary of vector_products.h and what builds on it, in AVX-512: `Vector`, 16 lanes. To be included inside the region of
// a kernel's file that is compiled for it.
#pragma once

#include "kernels/avx512.h"

namespace noether::kernels {
namespace {

struct Vector {
  using Type = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;

  static Type zero() { return _mm512_setzero_ps(); }
  static Type all(float x) { return _mm512_set1_ps(x); }
  static Type load(const float* p) { return _mm512_loadu_ps(p); }
  static Type load(const Half* p) { return load16(p); }
  static void store(float* p, Type v) { _mm512_storeu_ps(p, v); }
  // Rounded to the nearest even.
  static void store(Half* p, Type v) {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    const __m512i safe = _mm512_mask_mov_epi32(rounded, nan, _mm512_set1_epi32(0x7fc00000));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(safe, 16)));
  }

  static Type add(Type a, Type b) { return _mm512_add_ps(a, b); }
  static Type subtract(Type a, Type b) { return _mm512_sub_ps(a, b); }
  static Type multiply(Type a, Type b) { return _mm512_mul_ps(a, b); }
  static Type multiply_add(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }       // a b + c
  static Type multiply_subtract(Type a, Type b, Type c) { return _mm512_fmsub_ps(a, b, c); }  // a b - c
  static Type larger(Type a, Type b) { return _mm512_max_ps(a, b); }
  static bool any_above(Type a, Type b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0; }
  static float sum(Type v) { return _mm512_reduce_add_ps(v); }
  template <int Degree>
  static Type exp2(Type x) {
    return exp2_16<Degree>(x);
  }
  // Transposes 16 x 16 values of 32 bits; strides in bytes.
  static void transpose(const void* source, long source_stride, void* target, long target_stride) {
    transpose16(source, source_stride, target, target_stride);
  }
};

}  // namespace
}  // namespace noether::kernels
