// What the kernels on Intel's tile unit (AMX) share: tiles and bfloat16 planes.
//
// A tile has 16 rows of 64 bytes. The left operand of a product has rows of 32 bfloat16 ("row format"); the right one
// has 16 rows of 16 pairs ("pair format": words of two source rows interleaved). Transposing the 16 x 16 pairs turns
// one format into the other. A float32 value is the sum of three bfloat16 planes, each holding what the ones before
// leave over; of the nine products of two such values the three smallest are below float32's rounding.
//
// To be included inside the region that is compiled for this instruction set (see matrix_product_amx.cpp).
#pragma once

#include "kernels/avx512_bf16.h"
#ifdef NOETHER_EMULATION
#include <tiles.h>  // native/emulation, where <immintrin.h> is, too
#endif

namespace noether::kernels {
namespace {

constexpr long kTileBytes = 1024;

// ---- tiles

#ifdef NOETHER_EMULATION
using emulation::TileScope;
#else
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
#endif

// ---- planes

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
}  // namespace noether::kernels
