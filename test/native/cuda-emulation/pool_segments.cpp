// Sums and means over segments of cuda/pool_segments.cu against plain loops in float64, and twice the same bits.
#include "cuda/pool_segments.cu"

#include "compare.h"

namespace {

using namespace noether::cuda;

template <typename T, typename O>
void check(Real type, Real pooled_type, int64_t count, int64_t places, int channels, bool mean, bool some, int shift) {
  const int64_t rows = count * places;
  auto values = drawn<T>(rows * channels + shift);
  const auto slopes = drawn<O>(count * channels + shift);
  const auto valid = std::make_unique<bool[]>(rows);
  for (int64_t i = 0; i < rows; ++i) valid[i] = i / places != 1 && draw() > -0.7;  // the second segment is empty
  if (some) {
    for (int64_t i = 0; i < rows; ++i)
      if (!valid[i]) values[shift + i * channels] = narrow<T>(NAN);  // what does not count is not looked at
  }
  const Segments segments{some ? valid.get() : nullptr, count, places, channels, mean, type, pooled_type};
  std::vector<O> pooled(count * channels);
  std::vector<T> grad(rows * channels, narrow<T>(NAN));
  const auto run = [&] {
    if (pool_segments(segments, values.data() + shift, pooled.data(), nullptr) != cudaSuccess ||
        spread_segments(segments, slopes.data() + shift, grad.data(), nullptr) != cudaSuccess)
      emulation::fail("an error of a launch");
  };
  run();

  std::vector<double> sums(pooled.size()), shares(grad.size());
  for (int64_t s = 0; s < count; ++s) {
    const auto counts = [&](int64_t k) { return !some || valid[s * places + k]; };
    int64_t degree = 0;
    for (int64_t k = 0; k < places; ++k) degree += counts(k);
    const double divisor = mean && degree > 0 ? static_cast<double>(degree) : 1;
    for (int d = 0; d < channels; ++d) {
      for (int64_t k = 0; k < places; ++k) {
        const int64_t place = (s * places + k) * channels + d;
        if (!counts(k)) continue;
        sums[s * channels + d] += wide(values[shift + place]) / divisor;
        shares[place] = wide(slopes[shift + s * channels + d]) / divisor;
      }
    }
  }
  char what[120];
  std::snprintf(what, sizeof what, "types %d %d, %d segments of %d rows of %d channels, mean %d, valid %d, shift %d",
                static_cast<int>(type), static_cast<int>(pooled_type), static_cast<int>(count),
                static_cast<int>(places), channels, mean, some, shift);
  expect_close(pooled, sums, kRounding<O>, what);
  expect_close(grad, shares, kRounding<T>, what);
  const auto before = pooled;
  run();
  if (!before.empty() && std::memcmp(before.data(), pooled.data(), before.size() * sizeof(O)) != 0)
    emulation::fail("other bits in the second run");
}

template <typename T, typename O>
void check_all(Real type, Real pooled_type) {
  for (const bool mean : {false, true})
    for (const bool some : {false, true}) {
      for (const int channels : {1, 3, 4, 36, 192}) {
        check<T, O>(type, pooled_type, 5, 32, channels, mean, some, 0);
        check<T, O>(type, pooled_type, 3, 7, channels, mean, some, 1);
      }
      check<T, O>(type, pooled_type, 300, 1, 8, mean, some, 0);  // more than one block
      check<T, O>(type, pooled_type, 0, 4, 8, mean, some, 0);
    }
}

}  // namespace

int main() {
  constexpr Real f = Real::kFloat, h = Real::kHalf, b = Real::kBFloat16;
  check_all<float, float>(f, f);
  check_all<__half, __half>(h, h);
  check_all<__nv_bfloat16, __nv_bfloat16>(b, b);
  check_all<__half, float>(h, f);
  check_all<__nv_bfloat16, float>(b, f);
  if (pool_segments_takes(f, h) || !pool_segments_takes(b, f)) emulation::fail("types without a kernel");
  if (failures == 0) std::printf("equal\n");
  return failures == 0 ? 0 : 1;
}
