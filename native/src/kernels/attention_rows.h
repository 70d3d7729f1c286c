// What attention's kernels share whatever their instruction set: counting in blocks, and where rows lie. To be included
// inside the region that is compiled for it.
#pragma once

#include "kernels/attention.h"

namespace noether::kernels {
namespace {

constexpr float kLog2E = 1.44269504088896341F;
constexpr float kLn2 = 0.693147180559945F;
constexpr float kPadding =
    1e30F;  // logsumexp of a query that is padding: its weights vanish, and nothing becomes inf * 0

inline int blocks_of(int count, int size) {
  return (count + size - 1) / size;
}
inline int smaller(int a, int b) {
  return a < b ? a : b;
}
inline int larger(int a, int b) {
  return a > b ? a : b;
}

template <typename T>
inline T* row_of(const Rows& rows, int heads, int head, int row) {
  return static_cast<T*>(rows.data) + (head / heads) * rows.batch + (head % heads) * rows.head + row * rows.row;
}

}  // namespace
}  // namespace noether::kernels
