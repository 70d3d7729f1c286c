// What the kernels on Intel's tile unit share: tiles, bfloat16 planes, vectors.
//
// A tile has 16 rows of 64 bytes. The left operand of a product has rows of 32 bfloat16 ("row format"); the right one
// has 16 rows of 16 pairs ("pair format": words of two source rows interleaved). Transposing the 16 x 16 pairs turns
// one format into the other. A float32 value is the sum of three bfloat16 planes, each holding what the ones before
// leave over; of the nine products of two such values the three smallest are below float32's rounding.
//
// To be included inside the region that is compiled for this instruction set (see attention_amx.cpp).
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/amx.h"

namespace noether::amx {
namespace {

using Half = uint16_t;  // bfloat16

constexpr long kTileBytes = 1024;

template <typename Body>
void parallel(const Runtime& runtime, const Body& body) {
  const auto call = [](int index, void* context) { (*static_cast<const Body*>(context))(index); };
  runtime.run(runtime.threads, call, const_cast<Body*>(&body));
}

// Consecutive pieces of the memory that the caller allocates.
struct Arena {
  char* next;
  template <typename T>
  T* take(size_t count) {
    T* piece = reinterpret_cast<T*>(next);
    next += (count * sizeof(T) + 255) / 256 * 256;
    return piece;
  }
};

// ---- tiles

struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// The tile unit is configured for one task at a time: others (oneDNN) configure it differently.
struct TileScope {
  TileScope() {
    static const TileConfig config;
    asm volatile("ldtilecfg (%0)" ::"r"(&config) : "memory");
  }
  ~TileScope() { asm volatile("tilerelease" ::: "memory"); }
};

#define TILE_LOAD(tile, pointer, stride) \
  asm volatile("tileloadd (%0,%1,1), %%tmm" #tile::"r"(pointer), "r"(static_cast<long>(stride)) : "memory")
#define TILE_STORE(tile, pointer, stride) \
  asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(pointer), "r"(static_cast<long>(stride)) : "memory")
#define TILE_ZERO(tile) asm volatile("tilezero %%tmm" #tile:::)
#define TILE_PRODUCT(sum, left, right) asm volatile("tdpbf16ps %%tmm" #right ", %%tmm" #left ", %%tmm" #sum:::)

// ---- vectors

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
inline void store16(Half* p, __m512 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
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

inline __m512i to_halves(__m512 low, __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

// Order that interleaves the 16 words of the low half with those of the high half.
inline __m512i interleaving() {
  alignas(64) static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_load_si512(order);
}

// Splits 16 pairs of float32 values into three planes. The first is rounded, so that what the dropped products leave
// out has no sign of its own; the second is cut off; the third holds the rest exactly.
inline __attribute__((always_inline)) void store_split(char* target, long plane, __m512 first, __m512 second) {
  const __m512i top = _mm512_set1_epi32(static_cast<int>(0xffff0000U)), half = _mm512_set1_epi32(0x8000);
  __m512i a = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(first), half), top);
  __m512i b = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(second), half), top);
  for (int p = 0; p < 2; ++p) {
    _mm512_store_si512(target + p * plane, _mm512_or_si512(_mm512_srli_epi32(a, 16), b));
    first = _mm512_sub_ps(first, _mm512_castsi512_ps(a));
    second = _mm512_sub_ps(second, _mm512_castsi512_ps(b));
    a = _mm512_and_si512(_mm512_castps_si512(first), top);
    b = _mm512_and_si512(_mm512_castps_si512(second), top);
  }
  _mm512_store_si512(target + 2 * plane, _mm512_or_si512(_mm512_srli_epi32(a, 16), b));
}

// A step of 32 along a sum is paired as (0, 1), (2, 3), … in one plane, so that rows of bfloat16 need no rearrangement,
// and as (0, 16), (1, 17), … in three, where pairs come from two vectors side by side.
template <int Planes>
constexpr int first_of_pair(int pair) {
  return Planes == 1 ? 2 * pair : pair;
}
template <int Planes>
constexpr int kPairDistance = Planes == 1 ? 1 : 16;

// 16 pairs of a row: 32 neighbouring values along the sum, in row format.
template <int Planes>
inline __attribute__((always_inline)) void store_row(char* target, long plane, __m512 first, __m512 second) {
  if constexpr (Planes == 1)
    _mm512_store_si512(target, to_halves(first, second));
  else
    store_split(target, plane, first, second);
}

// The pairs that two rows make, in pair format.
template <int Planes>
inline __attribute__((always_inline)) void store_pairs(char* target, long plane, __m512 first, __m512 second,
                                                       __m512i order) {
  if constexpr (Planes == 1)
    _mm512_store_si512(target, _mm512_permutexvar_epi16(order, to_halves(first, second)));
  else
    store_split(target, plane, first, second);
}

}  // namespace
}  // namespace noether::amx
