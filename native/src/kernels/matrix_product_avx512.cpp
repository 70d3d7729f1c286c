// Matrix products with AVX-512.
#include "kernels/matrix_product.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

#include <atomic>
#include <cstring>
#include <type_traits>

#include "kernels/instruction_sets.h"

#pragma GCC diagnostic ignored "-Wuninitialized"  // both of GCC's own AVX-512 header (GCC bug 105593)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
NOETHER_FOR_AVX512
#pragma GCC optimize("O3")

#include "kernels/avx512_vector.h"
// The vector first: what follows is written with it.
#include "kernels/matrix_product_vector.h"

namespace noether::kernels {

bool multiply_avx512(const Product& product, const Runtime& runtime) {
  return multiply_on_vectors(product, runtime);
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
