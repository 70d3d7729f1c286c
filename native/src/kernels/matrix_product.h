// Matrix products: the problem, and the table of its implementations.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernel_table.h"
#include "kernels/runtime.h"

namespace noether::kernels {

// One operand. Its rows or its columns lie next to each other: `stride` is the step between the others, in elements.
struct Matrix {
  const void* data;
  int64_t stride;
  bool bfloat16;    // else float32
  bool transposed;  // columns lie next to each other
};

// out (m, n) = left (m, k) right (k, n) + bias (n)
struct Product {
  int64_t m, n, k;
  Matrix left, right;
  const float* bias;  // may be null
  void* out;          // rows next to each other are `out_stride` elements apart
  int64_t out_stride;
  bool out_bfloat16;
  bool float32;  // as exact as float32; both operands are float32 then. Else operands are rounded to bfloat16
};

struct ProductShape {
  int64_t m, n, k;
  bool float32;  // as in Product
};

struct MatrixProductKernel {
  const char* name;
  Requirement requirement;
  bool (*takes)(const ProductShape& shape);
  // Whether it pays off against what comes after it, and ATen's.
  bool (*worthwhile)(const ProductShape& shape);
  // False, with an undefined `out`, where it does not take the product or its values.
  bool (*multiply)(const Product& product, const Runtime& runtime);
};

// In matrix_product_<name>.cpp.
bool multiply_amx(const Product& product, const Runtime& runtime);
bool multiply_avx512(const Product& product, const Runtime& runtime);
bool multiply_avx2(const Product& product, const Runtime& runtime);

// The first implementation that this machine has and that pays off; null: there is none.
const MatrixProductKernel* find_matrix_product(const ProductShape& shape);

// By the implementation that is found for the product, or else by the first that takes its values; false: none does.
bool multiply(const Product& product, const Runtime& runtime);

std::vector<KernelStatus> matrix_product_kernels();

}  // namespace noether::kernels
