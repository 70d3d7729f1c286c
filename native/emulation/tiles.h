// Intel's tile unit in plain C++ (see immintrin.h here): eight tiles of 16 rows of 64 bytes, a set for each thread.
#pragma once

#include <cstdint>
#include <cstring>

#include "immintrin.h"

namespace noether::emulation {

struct Tile {
  char rows[16][64];
};
inline thread_local Tile tiles[8];
inline thread_local bool tiles_are_configured = false;

struct TileScope {
  TileScope() { tiles_are_configured = true; }
  ~TileScope() { tiles_are_configured = false; }
};

// Tiles outside of a scope raise the signal of an illegal instruction, as on the CPU.
inline Tile& tile(int number) {
  if (!tiles_are_configured) __builtin_trap();
  return tiles[number];
}

inline void load_tile(int number, const void* from, long stride) {
  for (int r = 0; r < 16; ++r) std::memcpy(tile(number).rows[r], static_cast<const char*>(from) + r * stride, 64);
}
inline void store_tile(int number, void* to, long stride) {
  for (int r = 0; r < 16; ++r) std::memcpy(static_cast<char*>(to) + r * stride, tile(number).rows[r], 64);
}
inline void clear_tile(int number) {
  std::memset(&tile(number), 0, sizeof(Tile));
}

// sum += left right, pair by pair: even and odd members have sums of their own, which are added at the end.
inline void add_product(int sum, int left, int right) {
  const Tile &a = tile(left), &b = tile(right);
  const auto member = [](const Tile& from, int row, int index) {
    uint16_t half;
    std::memcpy(&half, from.rows[row] + 2 * index, sizeof half);
    return from_bfloat16(half);
  };
  float lefts[16][32], rights[16][32];
  for (int r = 0; r < 16; ++r) {
    for (int i = 0; i < 32; ++i) {
      lefts[r][i] = member(a, r, i);
      rights[r][i] = member(b, r, i);
    }
  }
  for (int m = 0; m < 16; ++m) {
    float sums[32] = {};
    for (int k = 0; k < 16; ++k) {
      for (int n = 0; n < 32; ++n) {
        sums[n] = flushed(__builtin_fmaf(lefts[m][2 * k + n % 2], rights[k][n], sums[n]));
      }
    }
    float row[16];
    std::memcpy(row, tile(sum).rows[m], sizeof row);
    for (int n = 0; n < 16; ++n) row[n] = flushed(flushed(row[n]) + flushed(sums[2 * n] + sums[2 * n + 1]));
    std::memcpy(tile(sum).rows[m], row, sizeof row);
  }
}

}  // namespace noether::emulation

#define TILE_LOAD(number, pointer, stride) noether::emulation::load_tile(number, pointer, static_cast<long>(stride))
#define TILE_STORE(number, pointer, stride) noether::emulation::store_tile(number, pointer, static_cast<long>(stride))
#define TILE_ZERO(number) noether::emulation::clear_tile(number)
#define TILE_PRODUCT(sum, left, right) noether::emulation::add_product(sum, left, right)
