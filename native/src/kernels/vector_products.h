// Matrix products in registers, for any width of `Vector`. To be included inside the region of a kernel's file that is
// compiled for an instruction set, after that set's vector.
//
// An Arithmetic says what is multiplied: Elem, of which one is kPair values next to each other along the sum; a vector
// of them times one that is the same in all lanes, added in float32.
#pragma once

#include <cstring>
#include <type_traits>

namespace noether::kernels {
namespace {

constexpr long round_up(long count, long step) {
  return (count + step - 1) / step * step;
}

struct FloatArithmetic {
  using Elem = float;
  static constexpr int kPair = 1;
  static Vector::Type load(const float* p) { return Vector::load(p); }
  static Vector::Type same(const char* p) {
    float x;
    std::memcpy(&x, p, sizeof x);
    return Vector::all(x);
  }
  static Vector::Type multiply_add(Vector::Type a, Vector::Type b, Vector::Type sum) {
    return Vector::multiply_add(a, b, sum);
  }
};

// sums (Rows x Vectors) = left right over `depth`. Strides of the left operand in bytes, of the right one in elements.
template <typename Arithmetic, int Rows, int Vectors>
inline __attribute__((always_inline)) void multiply_tile(const char* left, long left_row, long left_step,
                                                         const typename Arithmetic::Elem* right, long right_row,
                                                         long depth, Vector::Type (&sums)[Rows][Vectors]) {
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) sums[i][j] = Vector::zero();
  }
  for (long k = 0; k < depth; ++k) {
    Vector::Type b[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) b[j] = Arithmetic::load(right + j * Vector::kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const Vector::Type a = Arithmetic::same(left + i * left_row);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) sums[i][j] = Arithmetic::multiply_add(a, b[j], sums[i][j]);
    }
    left += left_step;
    right += right_row;
  }
}

// out = left right, or out += left right. The old values are added at the end: sums over blocks are short chains, which
// keeps the rounding error low.
template <typename Arithmetic, int Rows, int Vectors, long LeftRow, long LeftStep>
__attribute__((noinline)) void product_tile(const char* left, const typename Arithmetic::Elem* right, long right_row,
                                            float* out, long out_row, long depth, bool add) {
  Vector::Type sums[Rows][Vectors];
  multiply_tile<Arithmetic, Rows, Vectors>(left, LeftRow, LeftStep, right, right_row, depth, sums);
  if (add) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j)
        sums[i][j] = Vector::add(sums[i][j], Vector::load(out + i * out_row + j * Vector::kLanes));
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) Vector::store(out + i * out_row + j * Vector::kLanes, sums[i][j]);
  }
}

// Rows of a product come in multiples of this, whatever the columns.
constexpr int kProductRows = 24;

template <typename Arithmetic, int Rows, int Vectors, long LeftRow, long LeftStep>
inline void product_columns(long rows, const char* left, const typename Arithmetic::Elem* right, long right_row,
                            float* out, long out_row, long depth, bool add) {
  for (long i = 0; i < rows; i += Rows) {
    product_tile<Arithmetic, Rows, Vectors, LeftRow, LeftStep>(left + i * LeftRow, right, right_row, out + i * out_row,
                                                               out_row, depth, add);
  }
}

// out (rows x columns) = or += left right: rows in multiples of kProductRows, columns in multiples of the lanes.
template <typename Arithmetic, long LeftRow, long LeftStep>
inline void product(long rows, long columns, const char* left, const typename Arithmetic::Elem* right, long right_row,
                    float* out, long out_row, long depth, bool add) {
  constexpr int kLanes = Vector::kLanes;
  for (long done = 0, width = 0; done < columns; done += width * kLanes) {
    const long remaining = (columns - done) / kLanes;
    const auto* b = right + done;
    float* c = out + done;
    if constexpr (Vector::kRegisters >= 32) {
      width = remaining == 5 ? 3 : remaining < 4 ? remaining : 4;
      if (width == 4)
        product_columns<Arithmetic, 6, 4, LeftRow, LeftStep>(rows, left, b, right_row, c, out_row, depth, add);
      if (width == 3)
        product_columns<Arithmetic, 8, 3, LeftRow, LeftStep>(rows, left, b, right_row, c, out_row, depth, add);
      if (width == 2)
        product_columns<Arithmetic, 12, 2, LeftRow, LeftStep>(rows, left, b, right_row, c, out_row, depth, add);
    } else {
      width = remaining < 2 ? remaining : 2;
      if (width == 2)
        product_columns<Arithmetic, 6, 2, LeftRow, LeftStep>(rows, left, b, right_row, c, out_row, depth, add);
    }
    if (width == 1)
      product_columns<Arithmetic, 12, 1, LeftRow, LeftStep>(rows, left, b, right_row, c, out_row, depth, add);
  }
}

}  // namespace
}  // namespace noether::kernels
