// Matrix products on vector units. To be included inside the region of a kernel's file that is compiled for an
// instruction set, after its vector.
//
// Operands are packed as float32, bfloat16 widened and float32 rounded where the product says so: bfloat16 is as fast as
// float32 then, and its sums are float32's. The right operand is packed in panels of three vectors of columns. Long sums
// of small results are cut into chunks with results of their own, added in order: how depends on the sizes alone, so
// that results are the same for any number of threads.
#pragma once

#include <atomic>

#include "kernels/matrix_product.h"
#include "kernels/parallel.h"
#include "kernels/vector_products.h"

namespace noether::kernels {
namespace {

constexpr int kTileVectors = 3;
constexpr int kTileRows = Vector::kRegisters >= 32 ? 8 : 4;
constexpr long kPanelColumns = kTileVectors * Vector::kLanes;
constexpr long kDepth = 256;     // most of a sum's terms in one pass
constexpr long kBlockRows = 96;  // of the left operand

inline long pieces_of(long count, long size) {
  return (count + size - 1) / size;
}
inline long least(long a, long b) {
  return a < b ? a : b;
}

// ---- packing

// Neighbouring values as float32.
using CopyValues = void (*)(const void* data, long first, long count, float* target);

inline void copy_float(const void* data, long first, long count, float* target) {
  const float* source = static_cast<const float*>(data) + first;
  long i = 0;
  for (; i + Vector::kLanes <= count; i += Vector::kLanes) Vector::store(target + i, Vector::load(source + i));
  for (; i < count; ++i) target[i] = source[i];
}

inline void copy_half(const void* data, long first, long count, float* target) {
  const Half* source = static_cast<const Half*>(data) + first;
  long i = 0;
  for (; i + Vector::kLanes <= count; i += Vector::kLanes) Vector::store(target + i, Vector::load(source + i));
  for (; i < count; ++i) {
    const uint32_t bits = static_cast<uint32_t>(source[i]) << 16;
    std::memcpy(target + i, &bits, sizeof bits);
  }
}

inline void copy_rounded(const void* data, long first, long count, float* target) {
  const float* source = static_cast<const float*>(data) + first;
  for (long i = 0; i < count; i += Vector::kLanes) {
    alignas(64) float values[Vector::kLanes] = {};
    alignas(64) Half halves[Vector::kLanes];
    const long valid = least(Vector::kLanes, count - i);
    std::memcpy(values, source + i, valid * sizeof(float));
    Vector::store(halves, Vector::load(values));
    Vector::store(values, Vector::load(halves));
    std::memcpy(target + i, values, valid * sizeof(float));
  }
}

inline CopyValues copy_of(const Matrix& matrix, bool float32) {
  return matrix.bfloat16 ? copy_half : float32 ? copy_float : copy_rounded;
}

// `columns` of up to kPanelColumns columns, `depth` rows, to (depth x kPanelColumns); missing columns are zero.
inline void pack_panel(const Matrix& right, CopyValues copy, long row, long depth, long column, long columns,
                       float* panel) {
  if (!right.transposed) {
    for (long k = 0; k < depth; ++k, panel += kPanelColumns) {
      copy(right.data, (row + k) * right.stride + column, columns, panel);
      for (long j = columns; j < kPanelColumns; ++j) panel[j] = 0;
    }
    return;
  }
  constexpr long kLanes = Vector::kLanes;
  for (long j = 0; j < kPanelColumns; j += kLanes) {
    for (long k = 0; k < depth; k += kLanes) {
      const long rows = least(kLanes, depth - k);
      if (copy == copy_float && rows == kLanes && j + kLanes <= columns) {
        const float* source = static_cast<const float*>(right.data) + (column + j) * right.stride + row + k;
        // Weights come from memory, in lines too short for the processor to foresee the next.
        for (long i = 0; i < kLanes; ++i) __builtin_prefetch(source + (kLanes + i) * right.stride);
        Vector::transpose(source, right.stride * static_cast<long>(sizeof(float)), panel + k * kPanelColumns + j,
                          kPanelColumns * sizeof(float));
        continue;
      }
      alignas(64) float block[kLanes][kLanes] = {};
      alignas(64) float turned[kLanes][kLanes];
      for (long i = 0; i < least(kLanes, columns - j); ++i)
        copy(right.data, (column + j + i) * right.stride + row + k, rows, block[i]);
      Vector::transpose(block, sizeof block[0], turned, sizeof turned[0]);
      for (long i = 0; i < rows; ++i)
        Vector::store(panel + (k + i) * kPanelColumns + j, Vector::load(turned[i]));
    }
  }
}

// Where the packed rows of a left block lie, in bytes: one after the other, or columns after each other where the
// matrix has them so.
struct LeftBlock {
  const char* data;
  long row, step;
};

// Rows in multiples of kTileRows; missing ones are zero.
inline LeftBlock pack_left(const Matrix& left, CopyValues copy, long row, long rows, long column, long depth,
                           float* target) {
  const long padded = round_up(rows, kTileRows);
  constexpr long kFloat = sizeof(float);
  const char* packed = reinterpret_cast<const char*>(target);
  if (left.transposed) {
    for (long k = 0; k < depth; ++k, target += padded) {
      copy(left.data, (column + k) * left.stride + row, rows, target);
      for (long i = rows; i < padded; ++i) target[i] = 0;
    }
    return {packed, kFloat, padded * kFloat};
  }
  if (copy == copy_float && padded == rows)
    return {static_cast<const char*>(left.data) + (row * left.stride + column) * kFloat, left.stride * kFloat, kFloat};
  for (long i = 0; i < rows; ++i, target += depth) copy(left.data, (row + i) * left.stride + column, depth, target);
  std::memset(target, 0, (padded - rows) * depth * sizeof(float));
  return {packed, depth * kFloat, kFloat};
}

// ---- products

template <int Vectors>
__attribute__((noinline)) void multiply_panel_tile(const char* left, long left_row, long left_step, const float* panel,
                                                   float* out, long out_row, long depth, bool add) {
  Vector::Type sums[kTileRows][Vectors];
  multiply_tile<FloatArithmetic, kTileRows, Vectors>(left, left_row, left_step, panel, kPanelColumns, depth, sums);
#pragma GCC unroll 8
  for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) {
      float* target = out + i * out_row + j * Vector::kLanes;
      Vector::store(target, add ? Vector::add(sums[i][j], Vector::load(target)) : sums[i][j]);
    }
  }
}

// sums (rows x columns) = or += left panel.
inline void multiply_panel(const LeftBlock& left, long rows, const float* panel, long columns, float* sums,
                           long sums_row, long depth, bool add) {
  const long vectors = pieces_of(columns, Vector::kLanes);
  const auto tile = vectors >= 3   ? multiply_panel_tile<3>
                    : vectors == 2 ? multiply_panel_tile<2>
                                   : multiply_panel_tile<1>;
  for (long r = 0; r < rows; r += kTileRows)
    tile(left.data + r * left.row, left.row, left.step, panel, sums + r * sums_row, sums_row, depth, add);
}

// A row of the result: sums + bias.
inline void store_sums(const Product& product, long row, const float* sums, const float* bias) {
  constexpr long kLanes = Vector::kLanes;
  const long at = row * product.out_stride;
  for (long j = 0; j < product.n; j += kLanes) {
    const Vector::Type value = Vector::add(Vector::load(sums + j), Vector::load(bias + j));
    alignas(64) float values[kLanes];
    alignas(64) Half halves[kLanes];
    const bool whole = j + kLanes <= product.n;
    const size_t count = whole ? kLanes : product.n - j;
    if (product.out_bfloat16) {
      Half* target = static_cast<Half*>(product.out) + at + j;
      Vector::store(whole ? target : halves, value);
      if (!whole) std::memcpy(target, halves, count * sizeof(Half));
    } else {
      float* target = static_cast<float*>(product.out) + at + j;
      Vector::store(whole ? target : values, value);
      if (!whole) std::memcpy(target, values, count * sizeof(float));
    }
  }
}

// Many rows, or a short sum: the right operand is packed once for all, then blocks of rows.
inline void multiply_rows_of(const Product& product, const Runtime& runtime) {
  const long n = round_up(product.n, kPanelColumns), panels = n / kPanelColumns;
  const long passes = pieces_of(product.k, kDepth), depth = pieces_of(product.k, passes);
  long block = kBlockRows;
  constexpr long kLeastTasks = 16;
  while (block > 3 * kTileRows && pieces_of(product.m, block) < kLeastTasks) block /= 2;
  block = round_up(block, kTileRows);
  const long tasks = pieces_of(product.m, block);
  const size_t local = round_up(4 * (block * depth + block * n) + 512, 256);
  Arena arena{static_cast<char*>(
      runtime.allocate(4 * (product.k * n + n) + runtime.threads * local + 4096, runtime.allocate_context))};
  float* packed = arena.take<float>(product.k * n);
  float* bias = arena.take<float>(n);
  char* locals = arena.take<char>(runtime.threads * local);
  for (long j = 0; j < n; ++j) bias[j] = product.bias != nullptr && j < product.n ? product.bias[j] : 0;
  const CopyValues copy_left = copy_of(product.left, product.float32), copy_right = copy_of(product.right, product.float32);

  parallel(runtime, [&](int thread) {
    const long total = passes * panels;
    for (long i = total * thread / runtime.threads; i < total * (thread + 1) / runtime.threads; ++i) {
      const long first = i / panels * depth, column = i % panels * kPanelColumns;
      const long count = least(depth, product.k - first);
      pack_panel(product.right, copy_right, first, count, column, least(kPanelColumns, product.n - column),
                 packed + first * n + column * count);
    }
  });
  std::atomic<long> next{0};
  parallel(runtime, [&](int thread) {
    Arena scratch{locals + thread * local};
    float* left = scratch.take<float>(block * depth);
    float* sums = scratch.take<float>(block * n);
    for (long task; (task = next.fetch_add(1)) < tasks;) {
      const long row = task * block, rows = least(block, product.m - row);
      for (long first = 0; first < product.k; first += depth) {
        const long count = least(depth, product.k - first);
        const LeftBlock packed_left = pack_left(product.left, copy_left, row, rows, first, count, left);
        for (long column = 0; column < n; column += kPanelColumns)
          multiply_panel(packed_left, rows, packed + first * n + column * count,
                         least(kPanelColumns, product.n - column), sums + column, n, count, first > 0);
      }
      for (long i = 0; i < rows; ++i) store_sums(product, row + i, sums + i * n, bias);
    }
  });
}

// A long sum of a small result, as gradients of weights are: chunks of the sum.
inline void multiply_chunks_of(const Product& product, const Runtime& runtime, long chunks) {
  const long n = round_up(product.n, kPanelColumns), m = round_up(product.m, kTileRows);
  const long chunk = pieces_of(product.k, chunks), passes = pieces_of(chunk, kDepth), depth = pieces_of(chunk, passes);
  const size_t local = round_up(4 * (kPanelColumns * depth + m * depth) + 512, 256);
  Arena arena{static_cast<char*>(
      runtime.allocate(4 * (chunks * m * n + n) + runtime.threads * local + 4096, runtime.allocate_context))};
  float* parts = arena.take<float>(chunks * m * n);
  float* bias = arena.take<float>(n);
  char* locals = arena.take<char>(runtime.threads * local);
  for (long j = 0; j < n; ++j) bias[j] = product.bias != nullptr && j < product.n ? product.bias[j] : 0;
  const CopyValues copy_left = copy_of(product.left, product.float32), copy_right = copy_of(product.right, product.float32);

  std::atomic<long> next{0};
  parallel(runtime, [&](int thread) {
    Arena scratch{locals + thread * local};
    float* panel = scratch.take<float>(kPanelColumns * depth);
    float* left = scratch.take<float>(m * depth);
    for (long task; (task = next.fetch_add(1)) < chunks;) {
      float* sums = parts + task * m * n;
      const long begin = least(product.k, task * chunk), end = least(product.k, begin + chunk);
      if (begin == end) std::memset(sums, 0, m * n * sizeof(float));
      for (long first = begin; first < end; first += depth) {
        const long count = least(depth, end - first);
        const LeftBlock packed_left = pack_left(product.left, copy_left, 0, product.m, first, count, left);
        for (long column = 0; column < n; column += kPanelColumns) {
          const long columns = least(kPanelColumns, product.n - column);
          pack_panel(product.right, copy_right, first, count, column, columns, panel);
          multiply_panel(packed_left, product.m, panel, columns, sums + column, n, count, first > begin);
        }
      }
    }
  });
  parallel(runtime, [&](int thread) {
    for (long i = product.m * thread / runtime.threads; i < product.m * (thread + 1) / runtime.threads; ++i) {
      float* sums = parts + i * n;
      for (long c = 1; c < chunks; ++c) {
        for (long j = 0; j < n; j += Vector::kLanes)
          Vector::store(sums + j, Vector::add(Vector::load(sums + j), Vector::load(sums + c * m * n + j)));
      }
      store_sums(product, i, sums, bias);
    }
  });
}

constexpr long kLongSum = 1024;

inline bool is_long_sum(const Product& product) {
  return product.k >= kLongSum && product.k > 2 * product.m;
}
inline long chunks_of(const Product& product) {
  constexpr long kMostChunks = 8;
  return least(kMostChunks, product.k / (kLongSum / 4));
}

inline bool multiply_on_vectors(const Product& product, const Runtime& runtime) {
  constexpr long kSmallResult = 1L << 20;
  if (is_long_sum(product) && product.m * product.n <= kSmallResult)
    multiply_chunks_of(product, runtime, chunks_of(product));
  else
    multiply_rows_of(product, runtime);
  return true;
}

}  // namespace
}  // namespace noether::kernels
