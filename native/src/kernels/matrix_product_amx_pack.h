// Packing for matrix products on the tile unit. Part of matrix_product_amx.cpp, inside the region that is compiled for
// this instruction set.
#pragma once

#include "kernels/amx_tiles.h"
#include "kernels/matrix_product.h"

namespace noether::kernels {
namespace {

// A packed operand: [tile of 16 rows or columns][step of 32 along the sum][plane][1024 bytes].
constexpr long kStep = 32;

inline long ceil_div(long a, long b) {
  return (a + b - 1) / b;
}

// Tiles from `begin` up to `end`.
struct Span {
  long begin, end;
  long size() const { return end - begin; }
};
inline Span part_of(long count, long part, long parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

enum class Format { kRow, kPair };

// Packs one tile of 16 (outer) x 32 (along the sum) values, zero beyond `outer` and `depth`. SumContiguous: the sum's
// values lie next to each other; else the outer dimension's.
template <Format Wanted, bool SumContiguous>
inline void split_tile(const float* source, long stride, long outer, long depth, char* target) {
  alignas(64) float turned[2][16][16];
  const __mmask16 low = first16(SumContiguous ? depth : outer), high = SumContiguous ? first16(depth - 16) : low;
  const auto row = [&](int half, int r) __attribute__((always_inline)) {
    const bool inside = SumContiguous ? r < outer : half * 16 + r < depth;
    const float* from = source + (SumContiguous ? r * stride + half * 16 : (half * 16 + r) * stride);
    return inside ? _mm512_maskz_loadu_ps(half ? high : low, from) : _mm512_setzero_ps();
  };
  if constexpr ((Wanted == Format::kRow) == SumContiguous) {
    if (outer >= 16 && depth >= 32) {
      for (int r = 0; r < 16; ++r) {
        store_split(target + r * 64, kTileBytes, _mm512_loadu_ps(source + r * stride),
                    _mm512_loadu_ps(source + (SumContiguous ? r * stride + 16 : (r + 16) * stride)));
      }
    } else {
      for (int r = 0; r < 16; ++r) store_split(target + r * 64, kTileBytes, row(0, r), row(1, r));
    }
  } else {
    if (outer >= 16 && depth >= 32) {
      transpose16(source, stride * 4, turned[0], 64);
      transpose16(source + (SumContiguous ? 16 : 16 * stride), stride * 4, turned[1], 64);
    } else {
      alignas(64) float padded[16][16];
      for (int half = 0; half < 2; ++half) {
        for (int r = 0; r < 16; ++r) _mm512_store_ps(padded[r], row(half, r));
        transpose16(padded, 64, turned[half], 64);
      }
    }
    for (int r = 0; r < 16; ++r) {
      store_split(target + r * 64, kTileBytes, _mm512_load_ps(turned[0][r]), _mm512_load_ps(turned[1][r]));
    }
  }
}

inline __m512i load_row(const Half* source, __mmask32 mask) {
  return _mm512_maskz_loadu_epi16(mask, source);
}
inline __m512i load_row(const float* source, __mmask32 mask) {
  return to_halves(_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), source),
                   _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), source + 16));
}
inline __m256i load_half_row(const Half* source, __mmask16 mask) {
  return _mm256_maskz_loadu_epi16(mask, source);
}
inline __m256i load_half_row(const float* source, __mmask16 mask) {
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, source)));
}

// As above, rounded to bfloat16.
template <typename T, Format Wanted, bool SumContiguous>
inline void round_tile(const T* source, long stride, long outer, long depth, char* target) {
  constexpr bool kTurned = (Wanted == Format::kPair) == SumContiguous;
  alignas(64) char scratch[kTileBytes];
  char* form = kTurned ? scratch : target;
  if constexpr (SumContiguous) {
    const __mmask32 mask = first32(depth);
    for (int r = 0; r < 16; ++r) {
      _mm512_store_si512(form + r * 64, r < outer ? load_row(source + r * stride, mask) : _mm512_setzero_si512());
    }
  } else {
    const __m512i order = interleaving();
    const __mmask16 mask = first16(outer);
    for (int k = 0; k < 32; k += 2) {
      __m256i even = _mm256_setzero_si256(), odd = even;
      if (k < depth) even = load_half_row(source + k * stride, mask);
      if (k + 1 < depth) odd = load_half_row(source + (k + 1) * stride, mask);
      const __m512i words = _mm512_inserti64x4(_mm512_castsi256_si512(even), odd, 1);
      _mm512_store_si512(form + k * 32, _mm512_permutexvar_epi16(order, words));
    }
  }
  if constexpr (kTurned) transpose16(scratch, 64, target, 64);
}

template <bool SumContiguous, typename T>
inline __attribute__((always_inline)) void prefetch_tile(const T* source, long stride) {
  constexpr long kRows = SumContiguous ? 16 : 32, kRowBytes = (48 - kRows) * sizeof(T);
  for (long r = 0; r < kRows; ++r) {
    for (long byte = 0; byte < kRowBytes; byte += 64) {
      _mm_prefetch(reinterpret_cast<const char*>(source + r * stride) + byte, _MM_HINT_T0);
    }
  }
}

// Tiles of an operand, `depth` values along the sum starting at `start`, in the order in which they lie in memory.
template <typename T, int Planes, Format Wanted, bool SumContiguous>
void pack_tiles(const Matrix& matrix, Span tiles, long outer, long start, long depth, char* target) {
  const long steps = ceil_div(depth, kStep);
  const auto pack_step = [&](long tile, long step) __attribute__((always_inline)) {
    const long i = tile * 16, k = step * kStep;
    const long row = SumContiguous ? i : start + k, column = SumContiguous ? start + k : i;
    const T* source = static_cast<const T*>(matrix.data) + row * matrix.stride + column;
    char* packed = target + ((tile - tiles.begin) * steps + step) * Planes * kTileBytes;
    prefetch_tile<SumContiguous>(source + (SumContiguous ? 2 * kStep : kStep * matrix.stride), matrix.stride);
    if constexpr (Planes == 1)
      round_tile<T, Wanted, SumContiguous>(source, matrix.stride, outer - i, depth - k, packed);
    else
      split_tile<Wanted, SumContiguous>(source, matrix.stride, outer - i, depth - k, packed);
  };
  if constexpr (SumContiguous) {
    for (long tile = tiles.begin; tile < tiles.end; ++tile) {
      for (long step = 0; step < steps; ++step) pack_step(tile, step);
    }
  } else {
    for (long step = 0; step < steps; ++step) {
      for (long tile = tiles.begin; tile < tiles.end; ++tile) pack_step(tile, step);
    }
  }
}

// Left: rows along the sum in row format; right: columns in pair format.
template <int Planes, Format Wanted>
void pack(const Matrix& matrix, Span tiles, long outer, long start, long depth, char* target) {
  const bool contiguous = matrix.transposed == (Wanted == Format::kPair);
  const auto run = [&](auto type) {
    using T = decltype(type);
    contiguous ? pack_tiles<T, Planes, Wanted, true>(matrix, tiles, outer, start, depth, target)
               : pack_tiles<T, Planes, Wanted, false>(matrix, tiles, outer, start, depth, target);
  };
  if constexpr (Planes == 1) {
    matrix.bfloat16 ? run(Half{}) : run(float{});
  } else {
    run(float{});
  }
}

}  // namespace
}  // namespace noether::kernels
