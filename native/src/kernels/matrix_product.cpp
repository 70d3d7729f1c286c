#include "kernels/matrix_product.h"

namespace noether::kernels {

namespace {

const KernelTable<MatrixProductKernel>& table() {
  static const KernelTable<MatrixProductKernel> kernels = {
#ifdef NOETHER_X86_KERNELS
      &kMatrixProductAmx,
#endif
  };
  return kernels;
}

}  // namespace

const MatrixProductKernel* find_matrix_product(const ProductShape& shape) {
  for (const MatrixProductKernel* kernel : table().available()) {
    if (kernel->worthwhile(shape)) return kernel;
  }
  return nullptr;
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
