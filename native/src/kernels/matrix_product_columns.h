// Matrix products on vector units with few registers, in one parallel pass. To be included inside the region of a
// kernel's file that is compiled for an instruction set, after its vector.
//
// A thread takes a share of the blocks of rows of each group of columns, and packs the columns that it needs itself: no
// thread waits for another, and no packed line moves between cores, which for small layers took longer than packing
// twice. Results go from registers to where they belong. A sum's passes depend on its length alone: the same bits for
// any number of threads.
#pragma once

#include "kernels/matrix_product_vector.h"

namespace noether::kernels {
namespace {

constexpr long kGroupPanels = 8;     // most panels of a group: packed they stay in the second cache
constexpr long kLeastPanels = 4;     // of a group, so that a packed row is used often enough
constexpr long kRowsOfBlock = 48;    // of the left operand
constexpr long kBlocksOfSegment = 20;  // for which columns are packed once
// The same where the left operand's columns lie next to each other: blocks are packed together then, in the order of
// memory, and stay in the second cache.
constexpr long kBlocksOfTurned = 4;
static_assert(kRowsOfBlock % kTileRows == 0);

// A left block whose tiles of kTileRows rows are `tile` bytes apart.
struct Tiles {
  const char* data;
  long row, step, tile;
};
inline Tiles tiles_of(const LeftBlock& rows) {
  return {rows.data, rows.row, rows.step, rows.row * kTileRows};
}

// What a pass adds to its sums, row by row: the bias (a step of 0), or what the passes before have summed.
struct Addend {
  const float* values;
  long row;
};

// out = left panel + addend, kTileRows x kPanelColumns.
template <typename Out>
__attribute__((noinline)) void panel_tile(LeftBlock left, const float* panel, long depth, Addend addend, Out* out,
                                          long out_row) {
  // Where results go is seldom in a cache: stores would wait for it.
#pragma GCC unroll 8
  for (int i = 0; i < kTileRows; ++i) {
    const Out* line = out + i * out_row;
    __builtin_prefetch(line, 1);
    __builtin_prefetch(line + kPanelColumns - 1, 1);
  }
  Vector::Type sums[kTileRows][kTileVectors];
  multiply_tile<FloatArithmetic, kTileRows, kTileVectors>(left.data, left.row, left.step, panel, kPanelColumns, depth,
                                                          sums);
#pragma GCC unroll 8
  for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) {
      const long lane = j * Vector::kLanes;
      Vector::store(out + i * out_row + lane,
                    Vector::add(sums[i][j], Vector::load(addend.values + i * addend.row + lane)));
    }
  }
}

// The same for fewer rows or columns.
template <typename Out>
void panel_edge(LeftBlock left, const float* panel, long depth, Addend addend, Out* out, long out_row, long rows,
                long columns) {
  alignas(64) float addends[kTileRows * kPanelColumns] = {};
  alignas(64) Out tile[kTileRows * kPanelColumns];
  for (long i = 0; i < rows; ++i)
    std::memcpy(addends + i * kPanelColumns, addend.values + i * addend.row, columns * sizeof(float));
  panel_tile(left, panel, depth, {addends, kPanelColumns}, tile, kPanelColumns);
  for (long i = 0; i < rows; ++i) std::memcpy(out + i * out_row, tile + i * kPanelColumns, columns * sizeof(Out));
}

// A block of rows times a group's packed panels.
template <typename Out>
void multiply_group(const Tiles& left, long rows, const float* panels, long columns, long depth, Addend addend,
                    Out* out, long out_row) {
  for (long column = 0; column < columns; column += kPanelColumns, panels += kPanelColumns * depth) {
    const long width = least(kPanelColumns, columns - column);
    for (long r = 0; r < rows; r += kTileRows) {
      const LeftBlock tile = {left.data + r / kTileRows * left.tile, left.row, left.step};
      const Addend old = {addend.values + r * addend.row + column, addend.row};
      Out* target = out + r * out_row + column;
      const long height = least(kTileRows, rows - r);
      if (height == kTileRows && width == kPanelColumns)
        panel_tile(tile, panels, depth, old, target, out_row);
      else
        panel_edge(tile, panels, depth, old, target, out_row, height, width);
    }
  }
}

// What a thread works on at a time.
struct Pieces {
  long depth;       // of a pass
  long group;       // columns
  long blocks;      // of rows
  bool keeps_sums;  // results are rounded, and more than one pass adds to them

  long packed_right() const { return group * depth; }
  long packed_left(bool transposed) const { return (transposed ? blocks : 1) * kRowsOfBlock * depth; }
  long sums() const { return keeps_sums ? blocks * kRowsOfBlock * group : 0; }
};

// Panels of `columns` columns, one after the other. What lies in rows is read row by row.
inline void pack_group(const Matrix& right, CopyValues copy, long row, long depth, long column, long columns,
                       float* panels) {
  const long whole = right.transposed ? 0 : columns / kPanelColumns;
  for (long k = 0; k < depth && whole > 0; ++k) {
    const long source = (row + k) * right.stride + column;
    for (long p = 0; p < whole; ++p) {
      float* target = panels + (p * depth + k) * kPanelColumns;
      // Called where it is known: inlined.
      if (copy == copy_float)
        copy_float(right.data, source + p * kPanelColumns, kPanelColumns, target);
      else
        copy(right.data, source + p * kPanelColumns, kPanelColumns, target);
    }
  }
  for (long done = whole * kPanelColumns; done < columns; done += kPanelColumns)
    pack_panel(right, copy, row, depth, column + done, least(kPanelColumns, columns - done), panels + done * depth);
}

// Rows of a left operand whose columns lie next to each other: tiles of kTileRows, one after the other, so that a tile's
// values fill whole cache lines.
inline void pack_turned(const Matrix& left, CopyValues copy, long row, long rows, long column, long depth,
                        float* target) {
  constexpr long kLines = 4;  // packed together, so that cache lines are written whole
  const bool in_place = copy == copy_float && rows % kTileRows == 0;
  alignas(64) float lines[kLines][kBlocksOfTurned * kRowsOfBlock] = {};
  for (long k = 0; k < depth; k += kLines) {
    const long count = least(kLines, depth - k);
    const float* values[kLines];
    for (long i = 0; i < count; ++i) {
      const long source = (column + k + i) * left.stride + row;
      values[i] = in_place ? static_cast<const float*>(left.data) + source : lines[i];
      if (!in_place) copy(left.data, source, rows, lines[i]);
    }
    for (long r = 0; r < rows; r += kTileRows) {
      float* tile = target + r * depth + k * kTileRows;
      for (long i = 0; i < count; ++i) std::memcpy(tile + i * kTileRows, values[i] + r, kTileRows * sizeof(float));
    }
  }
}

// `rows` rows from `row` on, of the columns from `column` on.
inline void multiply_segment(const Product& product, const Pieces& pieces, long row, long rows, long column,
                             const float* bias, float* panels, float* left, float* sums) {
  const CopyValues copy_left = copy_of(product.left, product.float32), copy_right = copy_of(product.right, product.float32);
  const long columns = least(pieces.group, product.n - column), at = row * product.out_stride + column;
  float* floats = product.out_bfloat16 ? sums : static_cast<float*>(product.out) + at;
  const long floats_row = product.out_bfloat16 ? pieces.group : product.out_stride;
  for (long first = 0; first < product.k; first += pieces.depth) {
    const long depth = least(pieces.depth, product.k - first);
    pack_group(product.right, copy_right, first, depth, column, columns, panels);
    if (product.left.transposed) pack_turned(product.left, copy_left, row, rows, first, depth, left);
    const bool rounds = product.out_bfloat16 && first + depth == product.k;
    for (long r = 0; r < rows; r += kRowsOfBlock) {
      const long count = least(kRowsOfBlock, rows - r);
      constexpr long kFloat = sizeof(float);
      const Tiles block =
          product.left.transposed
              ? Tiles{reinterpret_cast<const char*>(left + r * depth), kFloat, kTileRows * kFloat, kTileRows * depth * kFloat}
              : tiles_of(pack_left(product.left, copy_left, row + r, count, first, depth, left));
      const Addend addend = first == 0 ? Addend{bias + column, 0} : Addend{floats + r * floats_row, floats_row};
      if (rounds)
        multiply_group(block, count, panels, columns, depth, addend,
                       static_cast<Half*>(product.out) + at + r * product.out_stride, product.out_stride);
      else
        multiply_group(block, count, panels, columns, depth, addend, floats + r * floats_row, floats_row);
    }
  }
}

inline void multiply_columns_of(const Product& product, const Runtime& runtime) {
  const long n = round_up(product.n, kPanelColumns), panels = n / kPanelColumns;
  const long passes = pieces_of(product.k, kDepth);
  const long share = pieces_of(panels, runtime.threads);
  const long group = kPanelColumns * (share > kGroupPanels ? kGroupPanels : share < kLeastPanels ? kLeastPanels : share);
  const long blocks = pieces_of(product.m, kRowsOfBlock);
  const bool turned = product.left.transposed;
  const Pieces pieces = {pieces_of(product.k, passes), least(group, n),
                         least(blocks, turned ? kBlocksOfTurned : kBlocksOfSegment),
                         product.out_bfloat16 && passes > 1};
  const size_t local =
      round_up(4 * (pieces.packed_right() + pieces.packed_left(turned) + pieces.sums()) + 1024, 256);
  Arena arena{static_cast<char*>(
      runtime.allocate(4 * n + runtime.threads * local + 4096, runtime.allocate_context))};
  float* bias = arena.take<float>(n);
  char* locals = arena.take<char>(runtime.threads * local);
  for (long j = 0; j < n; ++j) bias[j] = product.bias != nullptr && j < product.n ? product.bias[j] : 0;

  const long total = pieces_of(n, pieces.group) * blocks;
  parallel(runtime, [&](int thread) {
    Arena scratch{locals + thread * local};
    float* packed = scratch.take<float>(pieces.packed_right());
    float* left = scratch.take<float>(pieces.packed_left(turned));
    float* sums = scratch.take<float>(pieces.sums());
    const long end = total * (thread + 1) / runtime.threads;
    for (long i = total * thread / runtime.threads, count; i < end; i += count) {
      const long block = i % blocks;
      count = least(least(end - i, blocks - block), pieces.blocks);
      const long row = block * kRowsOfBlock;
      multiply_segment(product, pieces, row, least(count * kRowsOfBlock, product.m - row), i / blocks * pieces.group,
                       bias, packed, left, sums);
    }
  });
}

}  // namespace
}  // namespace noether::kernels
