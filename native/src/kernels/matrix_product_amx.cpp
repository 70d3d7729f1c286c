// Matrix products on Intel's tile unit (AMX).
//
// In float32 the operands are split into three bfloat16 planes each, of which six products are kept: as exact as
// float32 arithmetic (about 1e-7 of the sum of the terms' magnitudes) where terms are above 1e-31, and up to three
// times as fast as the vector units. The tile unit takes smaller terms' planes for zero.
#include "kernels/matrix_product.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "kernels/instruction_sets.h"

#pragma GCC diagnostic ignored "-Wuninitialized"  // both of GCC's own AVX-512 header (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
NOETHER_FOR_AVX512_BF16
#pragma GCC optimize("O3")

#include "kernels/amx_tiles.h"
#include "kernels/matrix_product_amx_pack.h"
#include "kernels/parallel.h"

namespace noether::kernels {
namespace {

// Each thread multiplies rows and columns of its own. The sum over k is cut into slices; of each slice as many columns
// of the right operand are packed as fit beside the left rows in a core's cache, then the left operand in blocks of
// rows.
constexpr long kStepsPerSlice = 24;
constexpr long kPackedRightBytes = 5L << 18;
constexpr long kRowTilesPerBlock = 8;

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

// The sums of some rows and packed columns over a slice of k. Returns whether all are finite.
template <int Planes>
bool multiply_packed(const Product& product, Span rows, Span columns, long start, long depth, const char* right,
                     char* left, float* partial, long partial_stride) {
  const long steps = ceil_div(depth, kStep), tile_bytes = steps * Planes * kTileBytes;
  const long rows_per_step = ceil_div(32, steps);
  const bool last = start + depth == product.k;
  alignas(64) char sums[2][32 * 128];
  Target waiting;
  int turn = 0;
  __m512 check = _mm512_setzero_ps();
  // Vector work waits behind products that were issued before it, so the sums before are written between the steps.
  const auto write_before = [&](long k) __attribute__((always_inline)) {
    write_sums(sums[turn ^ 1], waiting, k * rows_per_step, (k + 1) * rows_per_step, check);
  };
  for (long block = rows.begin; block < rows.end; block += kRowTilesPerBlock) {
    const long block_end = std::min(block + kRowTilesPerBlock, rows.end);
    pack<Planes, Format::kRow>(product.left, {block, block_end}, product.m, start, depth, left);
    for (long column = columns.begin; column < columns.end; column += 2) {
      for (long row = block; row < block_end; row += 2) {
        const char *a = left + (row - block) * tile_bytes, *b = right + (column - columns.begin) * tile_bytes;
        const bool two_rows = row + 1 < block_end, two_columns = column + 1 < columns.end;
        if (two_rows && two_columns)
          product_tiles<Planes, 2, 2>(a, b, steps, write_before);
        else if (two_rows)
          product_tiles<Planes, 2, 1>(a, b, steps, write_before);
        else if (two_columns)
          product_tiles<Planes, 1, 2>(a, b, steps, write_before);
        else
          product_tiles<Planes, 1, 1>(a, b, steps, write_before);
        store_sums(sums[turn]);
        turn ^= 1;
        const long i = row * 16, j = column * 16;
        Half* halves = static_cast<Half*>(product.out) + i * product.out_stride + j;
        waiting = {.rows = std::min(product.m - i, two_rows ? 32L : 16L),
                   .columns = std::min(product.n - j, two_columns ? 32L : 16L),
                   .partial = partial + i * partial_stride + j,
                   .partial_stride = partial_stride,
                   .halves = last && product.out_bfloat16 ? halves : nullptr,
                   .halves_stride = product.out_stride,
                   .bias = product.bias ? product.bias + j : nullptr,
                   .first = start == 0};
      }
    }
  }
  write_sums(sums[turn ^ 1], waiting, 0, 32, check);
  return _mm512_cmp_ps_mask(check, check, _CMP_UNORD_Q) == 0;
}

// How the sum is cut into slices of equal length; a short last one would spend its time on the sums.
struct Slices {
  long count, depth, tile_bytes, columns;  // columns: tiles of a packed slice that fit
  Slices(long k, int planes) {
    const long steps = ceil_div(k, kStep);
    count = ceil_div(steps, kStepsPerSlice);
    depth = ceil_div(steps, count) * kStep;
    tile_bytes = depth / kStep * planes * kTileBytes;
    columns = std::max(2L, (kPackedRightBytes / tile_bytes) & ~1L);
  }
};

// What one thread does on its own: some rows and columns of the result.
template <int Planes>
bool multiply_part(const Product& product, const Slices& slices, Span rows, Span columns, char* right, char* left,
                   float* partial, long partial_stride) {
  TileScope tiles;
  bool finite = true;
  const long parts = ceil_div(columns.size(), slices.columns), width = ceil_div(columns.size(), 2 * parts) * 2;
  for (long column = columns.begin; column < columns.end; column += width) {
    const Span packed = {column, std::min(column + width, columns.end)};
    for (long start = 0; start < product.k; start += slices.depth) {
      const long depth = std::min(slices.depth, product.k - start);
      pack<Planes, Format::kPair>(product.right, packed, product.n, start, depth, right);
      finite &= multiply_packed<Planes>(product, rows, packed, start, depth, right, left, partial, partial_stride);
    }
  }
  return finite;
}

// Threads share rows and columns of the result so that the busiest has least to do, in units of the time for a block of
// 2 x 2 tiles, which one row or column of tiles takes as well. Each packs what it needs for itself.
template <int Planes>
void share(long threads, long row_tiles, long column_tiles, long& row_threads, long& column_threads) {
  constexpr double kPackLeft = Planes > 1 ? 0.45 : 1, kPackRight = Planes > 1 ? 0.65 : 2;
  double least = HUGE_VAL;
  for (long rows = 1; rows <= std::min(threads, row_tiles); ++rows) {
    const long columns = std::min(threads / rows, column_tiles);
    const long tall = ceil_div(row_tiles, rows), wide = ceil_div(column_tiles, columns);
    const double time = static_cast<double>(ceil_div(tall, 2) * ceil_div(wide, 2)) +
                        kPackLeft * static_cast<double>(tall) + kPackRight * static_cast<double>(wide);
    if (time >= least) continue;
    least = time;
    row_threads = rows;
    column_threads = columns;
  }
}

template <int Planes>
bool multiply_planes(const Product& product, const Runtime& runtime) {
  const long row_tiles = ceil_div(product.m, 16), column_tiles = ceil_div(product.n, 16);
  const Slices slices(product.k, Planes);
  long row_threads = 1, column_threads = 1;
  share<Planes>(runtime.threads, row_tiles, column_tiles, row_threads, column_threads);
  Runtime used = runtime;
  used.threads = static_cast<int>(row_threads * column_threads);

  const bool needs_partial = product.out_bfloat16 && slices.count > 1;
  const long partial_stride = needs_partial ? column_tiles * 16 : product.out_stride;
  const long right_bytes = (std::min(slices.columns, ceil_div(column_tiles, column_threads)) + 1) * slices.tile_bytes;
  const long left_bytes = kRowTilesPerBlock * slices.tile_bytes;
  Arena arena{static_cast<char*>(runtime.allocate(
      used.threads * (right_bytes + left_bytes) + (needs_partial ? product.m * partial_stride * 4 : 0) + 1024,
      runtime.allocate_context))};
  char* packed = arena.take<char>(used.threads * (right_bytes + left_bytes));
  float* partial = needs_partial ? arena.take<float>(product.m * partial_stride) : static_cast<float*>(product.out);

  std::atomic<bool> finite{true};
  parallel(used, [&](int thread) {
    char* right = packed + thread * (right_bytes + left_bytes);
    if (!multiply_part<Planes>(product, slices, part_of(row_tiles, thread % row_threads, row_threads),
                               part_of(column_tiles, thread / row_threads, column_threads), right, right + right_bytes,
                               partial, partial_stride)) {
      finite = false;
    }
  });
  return finite;
}

}  // namespace

bool multiply_amx(const Product& product, const Runtime& runtime) {
  if (product.float32) return multiply_planes<3>(product, runtime);
  multiply_planes<1>(product, runtime);
  return true;
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
