#include "matmul_amx.h"

#ifdef NOETHER_AMX

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <climits>

// Everything below is compiled for this instruction set; it runs only where available() says so.
#pragma GCC diagnostic ignored "-Wuninitialized"  // both of GCC's own AVX-512 header (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2")
#pragma GCC optimize("O3")

#include "amx_tiles.h"

namespace noether::amx {
namespace {

// The sum over k is cut into slices; of each slice the right operand is packed once for all threads, as many columns as
// fit beside the left rows in a core's cache, and the left operand in blocks of rows by the thread that multiplies
// them. A packed operand: [tile of 16 rows or columns][step of 32 along the sum][plane][1024 bytes].
constexpr long kStep = 32;
constexpr long kStepsPerSlice = 24;
constexpr long kPackedRightBytes = 5L << 18;
constexpr long kRowTilesPerBlock = 4;
constexpr long kLeastWork = 1 << 20;

inline long ceil_div(long a, long b) {
  return (a + b - 1) / b;
}
inline __mmask16 first16(long count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffU : count <= 0 ? 0U : (1U << count) - 1U);
}
inline __mmask32 first32(long count) {
  return count >= 32 ? 0xffffffffU : count <= 0 ? 0U : (1U << count) - 1U;
}

// ---- packing
//
// A step's 32 values along the sum are paired as (0, 16), (1, 17), … when an operand is split into planes, so that a
// row's pairs come from two vectors side by side; as (0, 1), (2, 3), … when it has one plane, so that rows of bfloat16
// are copied as they are.

// Splits 16 pairs of values. The first plane is rounded, so that what the dropped products leave out has no sign of its
// own; the second is cut off; the third holds the rest exactly.
inline __attribute__((always_inline)) void store_split(char* target, __m512 first, __m512 second) {
  const __m512i top = _mm512_set1_epi32(static_cast<int>(0xffff0000U)), half = _mm512_set1_epi32(0x8000);
  __m512i a = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(first), half), top);
  __m512i b = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(second), half), top);
  for (int p = 0; p < 2; ++p) {
    _mm512_store_si512(target + p * kTileBytes, _mm512_or_si512(_mm512_srli_epi32(a, 16), b));
    first = _mm512_sub_ps(first, _mm512_castsi512_ps(a));
    second = _mm512_sub_ps(second, _mm512_castsi512_ps(b));
    a = _mm512_and_si512(_mm512_castps_si512(first), top);
    b = _mm512_and_si512(_mm512_castps_si512(second), top);
  }
  _mm512_store_si512(target + 2 * kTileBytes, _mm512_or_si512(_mm512_srli_epi32(a, 16), b));
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
        store_split(target + r * 64, _mm512_loadu_ps(source + r * stride),
                    _mm512_loadu_ps(source + (SumContiguous ? r * stride + 16 : (r + 16) * stride)));
      }
    } else {
      for (int r = 0; r < 16; ++r) store_split(target + r * 64, row(0, r), row(1, r));
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
      store_split(target + r * 64, _mm512_load_ps(turned[0][r]), _mm512_load_ps(turned[1][r]));
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

// Tiles `begin` to `end` of an operand, `depth` values along the sum starting at `start`.
template <typename T, int Planes, Format Wanted, bool SumContiguous>
void pack_tiles(const Matrix& matrix, long begin, long end, long outer, long start, long depth, char* target) {
  const auto source_of = [&](long tile, long k) {
    const long row = SumContiguous ? tile * 16 : start + k, column = SumContiguous ? start + k : tile * 16;
    return static_cast<const T*>(matrix.data) + row * matrix.stride + column;
  };
  for (long tile = begin; tile < end; ++tile) {
    for (long k = 0; k < depth; k += kStep, target += Planes * kTileBytes) {
      const T* source = source_of(tile, k);
      prefetch_tile<SumContiguous>(k + 2 * kStep < depth ? source_of(tile, k + 2 * kStep) : source_of(tile + 1, 0),
                                   matrix.stride);
      if constexpr (Planes == 1)
        round_tile<T, Wanted, SumContiguous>(source, matrix.stride, outer - tile * 16, depth - k, target);
      else
        split_tile<Wanted, SumContiguous>(source, matrix.stride, outer - tile * 16, depth - k, target);
    }
  }
}

// Left: rows along the sum in row format; right: columns in pair format.
template <int Planes, Format Wanted>
void pack(const Matrix& matrix, long begin, long end, long outer, long start, long depth, char* target) {
  const bool contiguous = matrix.transposed == (Wanted == Format::kPair);
  const auto run = [&](auto type) {
    using T = decltype(type);
    contiguous ? pack_tiles<T, Planes, Wanted, true>(matrix, begin, end, outer, start, depth, target)
               : pack_tiles<T, Planes, Wanted, false>(matrix, begin, end, outer, start, depth, target);
  };
  if constexpr (Planes == 1) {
    matrix.bfloat16 ? run(Half{}) : run(float{});
  } else {
    run(float{});
  }
}

// ---- multiplying

// sums = left right: Rows x Columns tiles of 16 x 16 float32, rows of 128 bytes. Of three planes, the products of total
// order below three; every product changes one operand.
template <int Planes, int Rows, int Columns, typename Chore>
inline __attribute__((always_inline)) void product_tiles(const char* left, const char* right, long steps,
                                                         const Chore& chore) {
  const long outer = steps * Planes * kTileBytes;
  TILE_ZERO(0);
  TILE_ZERO(1);
  TILE_ZERO(2);
  TILE_ZERO(3);
  const auto load_left = [&](const char* a, int plane) __attribute__((always_inline)) {
    TILE_LOAD(4, a + plane * kTileBytes, 64);
    if constexpr (Rows > 1) TILE_LOAD(5, a + plane * kTileBytes + outer, 64);
  };
  const auto load_right = [&](const char* b, int plane) __attribute__((always_inline)) {
    TILE_LOAD(6, b + plane * kTileBytes, 64);
    if constexpr (Columns > 1) TILE_LOAD(7, b + plane * kTileBytes + outer, 64);
  };
  const auto add = []() __attribute__((always_inline)) {
    TILE_PRODUCT(0, 4, 6);
    if constexpr (Columns > 1) TILE_PRODUCT(1, 4, 7);
    if constexpr (Rows > 1) TILE_PRODUCT(2, 5, 6);
    if constexpr (Rows > 1 && Columns > 1) TILE_PRODUCT(3, 5, 7);
  };
  for (long k = 0; k < steps; ++k) {
    const char *a = left + k * Planes * kTileBytes, *b = right + k * Planes * kTileBytes;
    if constexpr (Planes == 1) {
      load_left(a, 0);
      load_right(b, 0);
      add();
    } else {
      load_left(a, 2);
      load_right(b, 0);
      add();
      load_left(a, 1);
      add();
      load_right(b, 1);
      add();
      load_left(a, 0);
      add();
      load_right(b, 0);
      add();
      load_right(b, 2);
      add();
    }
    chore(k);
  }
}

inline void store_sums(char* sums) {
  TILE_STORE(0, sums, 128);
  TILE_STORE(1, sums + 64, 128);
  TILE_STORE(2, sums + 16 * 128, 128);
  TILE_STORE(3, sums + 16 * 128 + 64, 128);
}

// Where up to 32 x 32 sums go; the slices before have left theirs in `partial`.
struct Target {
  long rows = 0, columns = 0;
  float* partial;
  long partial_stride;
  Half* halves;  // the last slice's result in bfloat16; null: it stays in `partial`
  long halves_stride;
  const float* bias;  // added by the first slice; may be null
  bool first;
};

// `check` becomes not a number when a sum is infinite or not a number itself.
inline __attribute__((always_inline)) void write_sums(const char* sums, const Target& target, long begin, long end,
                                                      __m512& check) {
  end = std::min(end, target.rows);
  for (long c = 0; c < target.columns; c += 16) {
    const __mmask16 mask = first16(target.columns - c);
    const __m512 bias =
        target.first && target.bias ? _mm512_maskz_loadu_ps(mask, target.bias + c) : _mm512_setzero_ps();
    for (long r = begin; r < end; ++r) {
      float* partial = target.partial + r * target.partial_stride + c;
      const __m512 before = target.first ? bias : _mm512_maskz_loadu_ps(mask, partial);
      const __m512 value = _mm512_add_ps(_mm512_load_ps(sums + r * 128 + c * 4), before);
      check = _mm512_fmadd_ps(value, _mm512_setzero_ps(), check);
      if (target.halves) {
        _mm256_mask_storeu_epi16(target.halves + r * target.halves_stride + c, mask,
                                 reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
      } else {
        _mm512_mask_storeu_ps(partial, mask, value);
      }
    }
  }
}

// Part of the result that one thread computes of one slice.
struct Share {
  long row_tile, row_tile_end, column_tile, column_tile_end;  // columns count from the first packed one
};

// Returns whether all sums are finite.
template <int Planes>
bool multiply_share(const Product& product, const Share& share, long first_column, long start, long depth,
                    const char* right, char* left, float* partial, long partial_stride, bool last) {
  const long steps = ceil_div(depth, kStep), tile_bytes = steps * Planes * kTileBytes;
  alignas(64) char sums[2][32 * 128];
  Target waiting;
  int turn = 0;
  __m512 check = _mm512_setzero_ps();
  TileScope tiles;
  for (long block = share.row_tile; block < share.row_tile_end; block += kRowTilesPerBlock) {
    const long block_end = std::min(block + kRowTilesPerBlock, share.row_tile_end);
    pack<Planes, Format::kRow>(product.left, block, block_end, product.m, start, depth, left);
    for (long column = share.column_tile; column < share.column_tile_end; column += 2) {
      for (long row = block; row < block_end; row += 2) {
        const char *a = left + (row - block) * tile_bytes, *b = right + column * tile_bytes;
        const long rows_per_step = ceil_div(32, steps);
        const auto chore = [&](long k) __attribute__((always_inline)) {
          write_sums(sums[turn ^ 1], waiting, k * rows_per_step, (k + 1) * rows_per_step, check);
        };
        const bool two_rows = row + 1 < block_end, two_columns = column + 1 < share.column_tile_end;
        if (two_rows && two_columns)
          product_tiles<Planes, 2, 2>(a, b, steps, chore);
        else if (two_rows)
          product_tiles<Planes, 2, 1>(a, b, steps, chore);
        else if (two_columns)
          product_tiles<Planes, 1, 2>(a, b, steps, chore);
        else
          product_tiles<Planes, 1, 1>(a, b, steps, chore);
        store_sums(sums[turn]);
        turn ^= 1;
        const long i = row * 16, j = first_column + column * 16;
        waiting = {
            std::min(product.m - i, two_rows ? 32L : 16L),
            std::min(product.n - j, two_columns ? 32L : 16L),
            partial + i * partial_stride + j,
            partial_stride,
            last && product.out_bfloat16 ? static_cast<Half*>(product.out) + i * product.out_stride + j : nullptr,
            product.out_stride,
            product.bias ? product.bias + j : nullptr,
            start == 0};
      }
    }
  }
  write_sums(sums[turn ^ 1], waiting, 0, 32, check);
  return _mm512_cmp_ps_mask(check, check, _CMP_UNORD_Q) == 0;
}

template <int Planes>
bool multiply_planes(const Product& product, const Runtime& runtime) {
  const long row_tiles = ceil_div(product.m, 16), column_tiles = ceil_div(product.n, 16);
  const long steps = ceil_div(product.k, kStep);
  // Slices of equal length: a short last one would spend its time on the sums.
  const long slices = ceil_div(steps, kStepsPerSlice), slice_steps = ceil_div(steps, slices);
  const long tile_bytes = slice_steps * Planes * kTileBytes;
  const long fitting = std::max(2L, kPackedRightBytes / tile_bytes & ~1L);
  const long parts = ceil_div(column_tiles, fitting),
             packed_tiles = std::min(column_tiles, ceil_div(column_tiles, 2 * parts) * 2);

  // Threads share rows and columns of the result, so that the busiest has least to do: a block of tiles takes as long
  // with one row or column of tiles as with two, and packing two tiles of the left operand as long as multiplying a
  // block.
  long row_threads = 1, column_threads = 1, least = LONG_MAX;
  for (long rows = 1; rows <= runtime.threads; ++rows) {
    const long columns = runtime.threads / rows;
    const long row_blocks = ceil_div(ceil_div(row_tiles, rows), 2),
               column_blocks = ceil_div(ceil_div(packed_tiles, 2), columns);
    const long time = row_blocks * (column_blocks + 1);
    if (time < least) least = time, row_threads = rows, column_threads = columns;
  }
  row_threads = std::min(row_threads, row_tiles);
  column_threads = std::min(column_threads, ceil_div(packed_tiles, 2));
  const int threads = static_cast<int>(row_threads * column_threads);

  const bool needs_partial = product.out_bfloat16 && slices > 1;
  const long partial_stride = needs_partial ? column_tiles * 16 : product.out_stride;
  const long left_bytes = kRowTilesPerBlock * tile_bytes;
  Arena arena{static_cast<char*>(runtime.allocate(
      packed_tiles * tile_bytes + threads * left_bytes + (needs_partial ? product.m * partial_stride * 4 : 0) + 1024,
      runtime.allocate_context))};
  char* right = arena.take<char>(packed_tiles * tile_bytes);
  char* left = arena.take<char>(threads * left_bytes);
  float* partial = needs_partial ? arena.take<float>(product.m * partial_stride) : static_cast<float*>(product.out);

  std::atomic<bool> finite{true};
  Runtime limited = runtime;
  limited.threads = threads;
  for (long first = 0; first < column_tiles; first += packed_tiles) {
    const long columns = std::min(packed_tiles, column_tiles - first);
    for (long slice = 0; slice < slices; ++slice) {
      const long start = slice * slice_steps * kStep, depth = std::min(slice_steps * kStep, product.k - start);
      const long depth_bytes = ceil_div(depth, kStep) * Planes * kTileBytes;
      parallel(limited, [&](int thread) {
        const long begin = columns * thread / threads, end = columns * (thread + 1) / threads;
        pack<Planes, Format::kPair>(product.right, first + begin, first + end, product.n, start, depth,
                                    right + begin * depth_bytes);
      });
      parallel(limited, [&](int thread) {
        const long row = thread % row_threads, column = thread / row_threads, pairs = ceil_div(columns, 2);
        const bool is_finite = multiply_share<Planes>(
            product,
            {row_tiles * row / row_threads, row_tiles * (row + 1) / row_threads,
             std::min(columns, pairs * column / column_threads * 2),
             std::min(columns, pairs * (column + 1) / column_threads * 2)},
            first * 16, start, depth, right, left + thread * left_bytes, partial, partial_stride, slice + 1 == slices);
        if (!is_finite) finite = false;
      });
    }
  }
  return finite;
}

}  // namespace

bool worthwhile(int64_t m, int64_t n, int64_t k) {
  return available() && m >= 32 && n >= 16 && k >= 32 && m * n * k >= kLeastWork;
}

bool multiply(const Product& product, const Runtime& runtime) {
  if (product.float32) return multiply_planes<3>(product, runtime);
  multiply_planes<1>(product, runtime);
  return true;
}

}  // namespace noether::amx

#pragma GCC pop_options

#else

namespace noether::amx {

bool worthwhile(int64_t, int64_t, int64_t) {
  return false;
}
bool multiply(const Product&, const Runtime&) {
  return false;
}

}  // namespace noether::amx

#endif
