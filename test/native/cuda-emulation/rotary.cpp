// Rotations of cuda/rotary.cu against the formula in float64, for layouts that take accesses of each width.
#include "cuda/rotary.cu"

#include "compare.h"

namespace {

using namespace noether::cuda;

template <typename T>
void check(Real type, int64_t heads, int64_t tokens, int channels, int pairs, int half, int64_t shift, float sign,
           bool shared_angles) {
  const int64_t batches = 2, width = 3 * heads * channels + shift;
  const auto x = drawn<T>(batches * tokens * width + shift);
  const auto cos = drawn<float>((shared_angles ? 1 : batches) * tokens * pairs), sin = drawn<float>(cos.size());
  std::vector<T> y(batches * tokens * heads * channels + 1, narrow<T>(77));
  Rotation r = {};
  r.x = x.data() + shift;
  r.x_batch = tokens * width;
  r.x_head = channels;
  r.x_token = width;
  r.cos = cos.data();
  r.sin = sin.data();
  r.cos_batch = r.sin_batch = shared_angles ? 0 : tokens * pairs;
  r.cos_token = r.sin_token = pairs;
  r.y = y.data();
  r.batches = batches;
  r.heads = heads;
  r.tokens = tokens;
  r.channels = channels;
  r.pairs = pairs;
  r.half = half;
  r.sign = sign;
  if (rotate(r, type, nullptr) != cudaSuccess) emulation::fail("an error of the launch");
  if (wide(y.back()) != 77) emulation::fail("a write behind the result");
  y.pop_back();
  std::vector<double> expected;
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t n = 0; n < tokens; ++n) {
      for (int64_t h = 0; h < heads; ++h) {
        std::vector<double> row(channels);
        const T* from = x.data() + shift + (b * tokens + n) * width + h * channels;
        for (int d = 0; d < channels; ++d) row[d] = wide(from[d]);
        for (int p = 0; p < pairs; ++p) {
          const int first = 2 * half * (p / half) + p % half;
          const int64_t angle = ((shared_angles ? 0 : b) * tokens + n) * pairs + p;
          const double c = cos[angle], s = sign * sin[angle];
          const double low = wide(from[first]), high = wide(from[first + half]);
          row[first] = low * c - high * s;
          row[first + half] = low * s + high * c;
        }
        expected.insert(expected.end(), row.begin(), row.end());
      }
    }
  }
  char what[120];
  std::snprintf(what, sizeof what, "%d bytes, %d channels, %d pairs at %d, shifted by %d", static_cast<int>(sizeof(T)),
                channels, pairs, half, static_cast<int>(shift));
  expect_close(y, expected, kRounding<T>, what);
}

template <typename T>
void check_all(Real type) {
  const int layouts[][3] = {{64, 32, 32}, {64, 32, 1}, {64, 24, 8}, {48, 24, 4}, {16, 6, 2},
                            {16, 5, 1},   {9, 3, 3},   {7, 3, 1},   {6, 0, 1},   {2, 1, 1}};
  for (const auto& [channels, pairs, half] : layouts) {
    for (const int64_t shift : {0, 1, 2, 4}) {
      check<T>(type, 3, 5, channels, pairs, half, shift, 1, shift == 2);
      check<T>(type, 1, 130, channels, pairs, half, shift, -1, false);
    }
  }
}

}  // namespace

int main() {
  check_all<float>(Real::kFloat);
  check_all<__half>(Real::kHalf);
  check_all<__nv_bfloat16>(Real::kBFloat16);
  if (failures == 0) std::printf("equal\n");
  return failures == 0 ? 0 : 1;
}
