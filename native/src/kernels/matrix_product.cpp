#include "kernels/matrix_product.h"

namespace noether::kernels {

namespace {

#ifdef NOETHER_X86_KERNELS
bool takes_all(const ProductShape&) {
  return true;
}

// Below, packing costs more than it saves.
bool pays_with_amx(const ProductShape& shape) {
  constexpr int64_t kLeastWork = int64_t{1} << 20;
  return shape.m >= 32 && shape.n >= 16 && shape.k >= 32 && shape.m * shape.n * shape.k >= kLeastWork;
}
// Measured against MKL in float32: 1.2 to 1.7 times as fast on AMD's Zen 4 (AVX2: 1.1 to 1.4), 1.0 to 1.1 times on Zen 3,
// 0.7 to 1.1 times on Intel's Sapphire Rapids. The maker decides, not a measurement, so that a machine gives the same bits
// every time.
bool pays_in_float32(const ProductShape& shape) {
  constexpr int64_t kLeastWork = int64_t{1} << 24;
  return !cpu_features().intel && shape.m >= 128 && shape.n >= 64 && shape.k >= 64 &&
         shape.m * shape.n * shape.k >= kLeastWork;
}
// bfloat16 is widened. Where pairs are fast, ATen's use them.
bool pays_with_avx512(const ProductShape& shape) {
  return shape.float32 ? pays_in_float32(shape) : !cpu_features().fast_bf16_pairs && pays_with_amx(shape);
}
bool pays_with_avx2(const ProductShape& shape) {
  return shape.float32 ? pays_in_float32(shape) : !cpu_features().avx512_bf16 && pays_with_amx(shape);
}
#endif

// In order of preference: name, requirement, what it takes, where it pays, function (matrix_product_<name>.cpp).
const KernelTable<MatrixProductKernel>& table() {
  static const KernelTable<MatrixProductKernel> kernels = {
#ifdef NOETHER_X86_KERNELS
      {"amx", &CpuFeatures::amx, takes_all, pays_with_amx, multiply_amx},
      {"avx512", &CpuFeatures::avx512, takes_all, pays_with_avx512, multiply_avx512},
      {"avx2", &CpuFeatures::avx2, takes_all, pays_with_avx2, multiply_avx2},
#endif
  };
  return kernels;
}

}  // namespace

const MatrixProductKernel* find_matrix_product(const ProductShape& shape) {
  return table().find(shape);
}

bool multiply(const Product& product, const Runtime& runtime) {
  const MatrixProductKernel* found = find_matrix_product({product.m, product.n, product.k, product.float32});
  if (found != nullptr && found->multiply(product, runtime)) return true;
  for (const MatrixProductKernel* kernel : table().available()) {
    if (kernel != found && kernel->multiply(product, runtime)) return true;
  }
  return false;
}

std::vector<KernelStatus> matrix_product_kernels() {
  return table().status();
}

}  // namespace noether::kernels
