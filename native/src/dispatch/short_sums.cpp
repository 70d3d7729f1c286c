#include "dispatch/short_sums.h"

#include "kernels/vectors.h"
#include "light_tensors.h"

namespace noether {

namespace {

// Above this many elements the set-up matters little.
constexpr int64_t kSmall = 4096;
// Sums that ATen keeps beside each other: of every fourth vector, or of every fourth number where none is full.
constexpr int64_t kParts = 4;
// From so many items of a part on, ATen keeps sums of sums.
constexpr int64_t kLevel = 16;

// Floats in a vector of ATen's kernel of sums, which has no form for AVX-512; elsewhere than on x86 it is left to ATen.
constexpr int64_t kVector = 8;
#if defined(__x86_64__)
constexpr bool kKnown = true;
#else
constexpr bool kKnown = false;
#endif

// The sum of items of `kWidth` floats, lane by lane.
template <int64_t kWidth>
NOETHER_INLINE void add_items(const float* items, int64_t count, float* sums) {
  float parts[kParts][kWidth] = {};
  for (; count >= kParts; count -= kParts) {
    for (int64_t part = 0; part < kParts; ++part, items += kWidth) {
      for (int64_t lane = 0; lane < kWidth; ++lane) parts[part][lane] += items[lane];
    }
  }
  for (; count > 0; --count, items += kWidth) {
    for (int64_t lane = 0; lane < kWidth; ++lane) parts[0][lane] += items[lane];
  }
  for (int64_t lane = 0; lane < kWidth; ++lane) {
    sums[lane] = ((parts[0][lane] + parts[1][lane]) + parts[2][lane]) + parts[3][lane];
  }
}

NOETHER_INLINE float add_row(const float* row, int64_t length) {
  if (length == 1) return 0.F + row[0];  // of a negative zero: zero
  float lanes[kVector];
  if (length < kVector) {
    add_items<1>(row, length, lanes);
    return lanes[0];
  }
  add_items<kVector>(row, length / kVector, lanes);
  float sum = 0;
  for (int64_t i = length - length % kVector; i < length; ++i) sum += row[i];  // what fills no vector comes first
  for (const float lane : lanes) sum += lane;
  return sum;
}

NOETHER_VECTOR_CLONES void sum_rows(const float* row, int64_t rows, int64_t length, float* sums) {
  for (int64_t i = 0; i < rows; ++i, row += length) sums[i] = add_row(row, length);
}

}  // namespace

at::Tensor sum_short_rows(const at::Tensor& self, at::IntArrayRef dims, bool keepdim) {
  const int64_t last = self.dim() - 1;
  const bool all = dims.empty();
  if (!all && (dims.size() > 1 || last < 0 || (dims[0] != last && dims[0] != -1))) return {};
  const int64_t length = all ? self.numel() : self.size(last);
  if (!kKnown || length >= kVector * kParts * kLevel || self.numel() > kSmall) return {};

  c10::SmallVector<int64_t, 6> sizes;
  if (!all) sizes.append(self.sizes().begin(), self.sizes().end() - 1);
  if (keepdim) sizes.push_back(1);
  at::Tensor out = light_empty(sizes);
  sum_rows(self.const_data_ptr<float>(), out.numel(), length, out.mutable_data_ptr<float>());
  return out;
}

}  // namespace noether
