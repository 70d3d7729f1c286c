// Matrix products with AVX2 and FMA.
#include "kernels/matrix_product.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

#include <atomic>
#include <cstring>
#include <type_traits>

// Everything in this region is compiled for this instruction set; it runs only where cpu_features() has it.
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
#pragma GCC optimize("O3")

#include "kernels/avx2_vector.h"
// The vector first: what follows is written with it.
#include "kernels/matrix_product_vector.h"

namespace noether::kernels {

bool multiply_avx2(const Product& product, const Runtime& runtime) {
  return multiply_on_vectors(product, runtime);
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
