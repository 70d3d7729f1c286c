// Matrix products with AVX2 and FMA.
#include "kernels/matrix_product.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

#include <atomic>
#include <cstring>
#include <type_traits>

#include "kernels/instruction_sets.h"

#pragma GCC push_options
NOETHER_FOR_AVX2
#pragma GCC optimize("O3")

#include "kernels/avx2_vector.h"
// The vector first: what follows is written with it.
#include "kernels/matrix_product_columns.h"

namespace noether::kernels {
namespace {

// Too few for a share of them for every thread.
constexpr long kFewResults = 128 * 192;

}  // namespace

bool multiply_avx2(const Product& product, const Runtime& runtime) {
  // Gradients of weights that widen: packing is a larger part of them, and MKL's is faster (1.1 to 1.2 times on Zen 3).
  const bool tried = preferred_kernel.load(std::memory_order_relaxed) != nullptr;
  if (product.float32 && product.left.transposed && product.m > product.n && !tried) return false;
  if (is_long_sum(product) && product.m * product.n <= kFewResults)
    multiply_chunks_of(product, runtime, chunks_of(product));
  else
    multiply_columns_of(product, runtime);
  return true;
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
