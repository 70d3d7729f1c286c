// What attention's two passes on vector units share: types of values, their packed forms, tiles of weights. To be
// included inside the region that is compiled for an instruction set, after its vector.
//
// Scores are kept transposed, rows = keys, lanes = queries, so that softmax is vertical; results and gradients come out
// as they lie in memory. A tile of scores becomes weights while it is in registers. A panel is three vectors of
// queries: X^T (channels x queries).
//
// Values say how tensors' values are multiplied: In is stored, an Elem multiplied (see vector_products.h).
#pragma once

#include "kernels/attention_rows.h"
#include "kernels/vector_products.h"

namespace noether::kernels {
namespace {

constexpr int kLanes = Vector::kLanes;
constexpr int kPanelVectors = 3;
constexpr int kPanel = kPanelVectors * kLanes;                  // queries
constexpr int kTileKeys = Vector::kRegisters >= 32 ? 8 : 4;     // scores of a tile are in registers
static_assert(kPanel % kProductRows == 0);

// float32, read where it lies
struct FloatValues : FloatArithmetic {
  using In = float;
  static constexpr bool kInPlace = true;
  static constexpr int kDegree = 5;
  static void copy(const float* source, int count, float* target) { std::memcpy(target, source, count * sizeof(float)); }
};

// bfloat16, multiplied as float32
struct WidenedValues : FloatArithmetic {
  using In = Half;
  static constexpr bool kInPlace = false;
  static constexpr int kDegree = 3;
  static void copy(const Half* source, int count, float* target) {
    int i = 0;
    for (; i + kLanes <= count; i += kLanes) Vector::store(target + i, Vector::load(source + i));
    for (; i < count; ++i) {
      const uint32_t bits = static_cast<uint32_t>(source[i]) << 16;
      std::memcpy(target + i, &bits, sizeof bits);
    }
  }
};

inline void widen_row(const float* source, int count, float* target) {
  FloatValues::copy(source, count, target);
}
inline void widen_row(const Half* source, int count, float* target) {
  WidenedValues::copy(source, count, target);
}

// How values of float32 arithmetic are packed and stored; pairs of bfloat16 have their own.
template <typename Values>
struct Packing {
  using In = typename Values::In;

  // Rows as the right operand of a product, (rows x padded), minus `centre` where there is one.
  static void rows(const In* source, long stride, int valid, int channels, int padded, const float* centre,
                   float* target) {
    for (int r = 0; r < valid; ++r, source += stride, target += padded) {
      Values::copy(source, channels, target);
      for (int d = channels; d < padded; ++d) target[d] = 0;
      if (centre == nullptr) continue;
      for (int d = 0; d < padded; d += kLanes)
        Vector::store(target + d, Vector::subtract(Vector::load(target + d), Vector::load(centre + d)));
    }
  }
  // Weights of two keys for the queries of a vector; `row`: queries in memory.
  static void store_keys(float* target, long row, Vector::Type first, Vector::Type second) {
    Vector::store(target, first);
    Vector::store(target + row, second);
  }
};

// X (queries x channels) to X^T, `valid` of kPanel queries; the rest is zero.
template <typename Values>
void pack_panel(const typename Values::In* source, long stride, int valid, int channels,
                typename Values::Elem* panel) {
  using Elem = typename Values::Elem;
  const int units = channels / Values::kPair;
  for (int first = 0; first < kPanel; first += kLanes) {
    const int rows = larger(0, smaller(kLanes, valid - first));
    for (int u = 0; u < units; u += kLanes) {
      const int count = smaller(kLanes, units - u);
      const auto* block = source + first * stride + u * Values::kPair;
      Elem* target = panel + static_cast<long>(u) * kPanel + first;
      if (Values::kInPlace && rows == kLanes && count == kLanes) {
        Vector::transpose(block, stride * static_cast<long>(sizeof *block), target, kPanel * sizeof(Elem));
        continue;
      }
      alignas(64) Elem edge[kLanes][kLanes] = {};
      for (int r = 0; r < rows; ++r) Values::copy(block + r * stride, count, edge[r]);
      Vector::transpose(edge, sizeof edge[0], target, kPanel * sizeof(Elem));
    }
  }
}

// Elements of a panel: whole blocks are transposed.
template <typename Values>
long panel_size(int channels) {
  return round_up(channels / Values::kPair, kLanes) * kPanel;
}

// The left operand of scores: rows of channels. A tile reads kTileKeys of them.
struct LeftRows {
  const char* data;
  long row;  // bytes

  LeftRows from(long index) const { return {data + index * row, row}; }
};

// Keys or values `first` … `first + count` as left operand: where they lie, or copied to `packed`.
template <typename Values>
LeftRows left_rows(const Rows& rows, int heads, int head, int first, int count, int channels, int padded,
                   typename Values::Elem* packed) {
  using In = typename Values::In;
  const In* source = row_of<In>(rows, heads, head, first);
  if constexpr (Values::kInPlace) return {reinterpret_cast<const char*>(source), rows.row * long{sizeof(In)}};
  for (int r = 0; r < count; ++r) Values::copy(source + r * rows.row, channels, packed + static_cast<long>(r) * padded);
  return {reinterpret_cast<const char*>(packed), padded * long{sizeof(typename Values::Elem)}};
}

// The last, incomplete tile of rows, with zeros for what is missing.
template <typename Values>
struct EdgeRows {
  alignas(64) typename Values::Elem rows[kTileKeys][128 / Values::kPair];

  LeftRows copy(const LeftRows& source, int count, int channels) {
    const size_t bytes = channels / Values::kPair * sizeof(typename Values::Elem);
    for (int r = 0; r < kTileKeys; ++r) {
      if (r < count)
        std::memcpy(rows[r], source.data + r * source.row, bytes);
      else
        std::memset(rows[r], 0, bytes);
    }
    return {reinterpret_cast<const char*>(rows), sizeof rows[0]};
  }
};

// A row of a result, times a factor.
template <typename In>
inline void store_row(In* target, const float* source, float factor, int channels) {
  const Vector::Type f = Vector::all(factor);
  int d = 0;
  for (; d + kLanes <= channels; d += kLanes)
    Vector::store(target + d, Vector::multiply(f, Vector::load(source + d)));
  if (d == channels) return;
  alignas(64) In edge[kLanes];
  Vector::store(edge, Vector::multiply(f, Vector::load(source + d)));
  std::memcpy(target + d, edge, (channels - d) * sizeof(In));
}

}  // namespace
}  // namespace noether::kernels
