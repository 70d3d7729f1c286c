// What attention's two passes on the tile unit share: groups of tokens, their packed forms, products of blocks. To be
// included inside the region that is compiled for this instruction set.
//
// One algorithm in transposed orientation, rows = keys, columns = queries, so that softmax statistics are vertical and
// nothing is transposed in the inner loops:
//   S^T = K Q^T,  O^T = V^T P^T;   backward: dP^T = V dO^T,  dV = P^T dO,  dK = dS^T Q,  dQ^T = K^T dS^T.
// A group is 32 tokens, 64 channels: 4 tiles, 4096 bytes a plane.
#pragma once

#include "kernels/amx_tiles.h"
#include "kernels/attention_rows.h"

namespace noether::kernels {
namespace {

constexpr int kGroup = 32;          // tokens
constexpr long kGroupBytes = 4096;  // of one plane
constexpr float kMasked = -1e30F;  // logit of a key that is padding

// Where tiles of one operand lie: bytes between tiles along the outer dimension and along the sum, between rows,
// between planes.
struct Operand {
  const char* data;
  long outer;
  long inner;
  long row;
  long plane;
};

// A 2 x 2 block of float32 result tiles.
struct Result {
  char* data;
  long vertical;
  long horizontal;
  long row;
};

const auto nothing = [] {};

// result = left right, or result += left right, over `depth` tiles. Of three planes, products of total order below
// three are summed. Vector work waits behind products that were issued before it, so what is to run beside them is done
// piece by piece in `chore`.
template <int Planes, bool Add, typename Chore>
inline __attribute__((always_inline)) void product_block(Operand left, Operand right, int depth, Result result,
                                                         const Chore& chore) {
  constexpr int kProducts = Planes == 1 ? 1 : 6;
  constexpr int kLeft[] = {Planes == 1 ? 0 : 2, 1, 1, 0, 0, 0}, kRight[] = {0, 0, 1, 1, 2, 0};
  if constexpr (Add) {
    TILE_LOAD(0, result.data, result.row);
    TILE_LOAD(1, result.data + result.horizontal, result.row);
    TILE_LOAD(2, result.data + result.vertical, result.row);
    TILE_LOAD(3, result.data + result.vertical + result.horizontal, result.row);
  } else {
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
  }
  for (int k = 0; k < depth; ++k) {
#pragma GCC unroll 6
    for (int p = 0; p < kProducts; ++p) {
      const char* a = left.data + k * left.inner + kLeft[p] * left.plane;
      const char* b = right.data + k * right.inner + kRight[p] * right.plane;
      if (p == 0 || kLeft[p] != kLeft[p - 1]) {
        TILE_LOAD(4, a, left.row);
        TILE_LOAD(5, a + left.outer, left.row);
      }
      if (p == 0 || kRight[p] != kRight[p - 1]) {
        TILE_LOAD(6, b, right.row);
        TILE_LOAD(7, b + right.outer, right.row);
      }
      TILE_PRODUCT(0, 4, 6);
      TILE_PRODUCT(1, 4, 7);
      TILE_PRODUCT(2, 5, 6);
      TILE_PRODUCT(3, 5, 7);
      chore();
    }
  }
  TILE_STORE(0, result.data, result.row);
  TILE_STORE(1, result.data + result.horizontal, result.row);
  TILE_STORE(2, result.data + result.vertical, result.row);
  TILE_STORE(3, result.data + result.vertical + result.horizontal, result.row);
}

// A place for one packed form of a group; null: not wanted.
struct Packed {
  char* data = nullptr;
  long plane = 0;
};

// Packs up to 32 tokens X (tokens x 64), zero where there are fewer:
//   rows         X in row format, 32 rows of 64 words
//   pairs        X in pair format, 4 tiles of 16 channels
//   transposed   X^T in pair format, 2 tiles of tokens x 2 of channels
//   turned_rows  X^T in row format, 4 tiles of 16 channels
template <typename T, int Planes>
void pack_group(const T* source, long stride, int valid, Packed rows, Packed pairs, Packed transposed,
                Packed turned_rows) {
  alignas(64) Half row_scratch[Planes][32][64];
  alignas(64) Half pair_scratch[Planes][2048];
  if (!rows.data && transposed.data) rows = {reinterpret_cast<char*>(row_scratch), kGroupBytes};
  if (!pairs.data && turned_rows.data) pairs = {reinterpret_cast<char*>(pair_scratch), kGroupBytes};
  const __m512i order = interleaving();
  for (int pair = 0; pair < 16; ++pair) {
    const int row[] = {first_of_pair<Planes>(pair), first_of_pair<Planes>(pair) + kPairDistance<Planes>};
    __m512 x[2][4];
    for (int u = 0; u < 2; ++u) {
      for (int j = 0; j < 4; ++j)
        x[u][j] = row[u] < valid ? load16(source + row[u] * stride + j * 16) : _mm512_setzero_ps();
    }
    if (rows.data) {
      for (int u = 0; u < 2; ++u) {
        store_row<Planes>(rows.data + row[u] * 128, rows.plane, x[u][0], x[u][1]);
        store_row<Planes>(rows.data + row[u] * 128 + 64, rows.plane, x[u][2], x[u][3]);
      }
    }
    if (pairs.data) {
      for (int j = 0; j < 4; ++j)
        store_pairs<Planes>(pairs.data + j * kTileBytes + pair * 64, pairs.plane, x[0][j], x[1][j], order);
    }
  }
  for (int p = 0; p < Planes; ++p) {
    if (transposed.data) {
      for (int t = 0; t < 2; ++t) {
        for (int c = 0; c < 2; ++c) {
          transpose16(rows.data + p * rows.plane + t * 16 * 128 + c * 64, 128,
                      transposed.data + p * transposed.plane + (t * 2 + c) * kTileBytes, 64);
        }
      }
    }
    if (turned_rows.data) {
      for (int j = 0; j < 4; ++j) {
        transpose16(pairs.data + p * pairs.plane + j * kTileBytes, 64,
                    turned_rows.data + p * turned_rows.plane + j * kTileBytes, 64);
      }
    }
  }
}

}  // namespace
}  // namespace noether::kernels
