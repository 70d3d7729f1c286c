#include "kernels/vectors.h"

#include <cstring>

namespace noether {

NOETHER_VECTOR_CLONES void add_rows(const float* __restrict x, const float* __restrict y, int64_t count,
                                    float* __restrict z) {
  for (int64_t i = 0; i < count; ++i) z[i] = x[i] + y[i];
}

NOETHER_VECTOR_CLONES void subtract_rows(const float* __restrict x, const float* __restrict y, int64_t count,
                                         float* __restrict z) {
  for (int64_t i = 0; i < count; ++i) z[i] = x[i] - y[i];
}

NOETHER_VECTOR_CLONES void multiply_rows(const float* __restrict x, const float* __restrict y, int64_t count,
                                         float* __restrict z) {
  for (int64_t i = 0; i < count; ++i) z[i] = x[i] * y[i];
}

NOETHER_VECTOR_CLONES void widen(const uint16_t* __restrict x, int64_t count, float* __restrict y) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = static_cast<uint32_t>(x[i]) << 16;
    std::memcpy(y + i, &bits, sizeof bits);
  }
}

NOETHER_VECTOR_CLONES void narrow(const float* __restrict x, int64_t count, uint16_t* __restrict y) {
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, x + i, sizeof bits);
    const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
    y[i] = (bits & 0x7fffffffU) > 0x7f800000U ? 0x7fc0 : static_cast<uint16_t>(rounded);
  }
}

}  // namespace noether
