#include "kernels/matrix_product.h"

namespace noether::kernels {

namespace {

#ifdef NOETHER_X86_KERNELS
// float32 and bfloat16. Below, packing costs more than the tile unit saves.
bool pays_with_amx(const ProductShape& shape) {
  constexpr int64_t kLeastWork = int64_t{1} << 20;
  return shape.m >= 32 && shape.n >= 16 && shape.k >= 32 && shape.m * shape.n * shape.k >= kLeastWork;
}
#endif

// name, requirement, dtypes and sizes where it pays, function
const KernelTable<MatrixProductKernel>& table() {
  static const KernelTable<MatrixProductKernel> kernels = {
#ifdef NOETHER_X86_KERNELS
      {"amx", &CpuFeatures::amx, pays_with_amx, multiply_amx},
#endif
  };
  return kernels;
}

}  // namespace

const MatrixProductKernel* find_matrix_product(const ProductShape& shape) {
  return table().find(shape);
}

bool multiply(const Product& product, const Runtime& runtime) {
  const ProductShape shape = {product.m, product.n, product.k, product.float32};
  for (const bool worthwhile : {true, false}) {
    for (const MatrixProductKernel* kernel : table().available()) {
      if (kernel->worthwhile(shape) == worthwhile && kernel->multiply(product, runtime)) return true;
    }
  }
  return false;
}

std::vector<KernelStatus> matrix_product_kernels() {
  return table().status();
}

}  // namespace noether::kernels
