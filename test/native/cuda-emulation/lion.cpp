// The update of cuda/lion.cu on many tensors against a plain loop: equal bit for bit.
#include "cuda/lion.cu"

#include "compare.h"

namespace {

using namespace noether::cuda;

void check(const std::vector<int64_t>& counts, int64_t shift) {
  std::vector<std::vector<float>> params, grads, momenta;
  std::vector<LionTensor> tensors;
  for (const int64_t count : counts) {
    params.push_back(drawn<float>(count + shift));
    grads.push_back(drawn<float>(count + shift));
    momenta.push_back(drawn<float>(count + shift));
    if (count > 3) {
      grads.back()[shift + 1] = NAN;
      grads.back()[shift + 2] = momenta.back()[shift + 2] = 0;
    }
  }
  auto expected_params = params, expected_momenta = momenta;
  for (size_t t = 0; t < counts.size(); ++t)
    tensors.push_back({params[t].data() + shift, grads[t].data() + shift, momenta[t].data() + shift, counts[t]});
  const LionRates r{0.999F, -0.01F, 0.9F, 0.1F, 0.99F, 0.01F};
  if (lion(tensors.data(), static_cast<int64_t>(tensors.size()), r, nullptr) != cudaSuccess)
    emulation::fail("an error of a launch");
  for (size_t t = 0; t < counts.size(); ++t) {
    for (int64_t i = shift; i < counts[t] + shift; ++i) {
      float &p = expected_params[t][i], &m = expected_momenta[t][i];
      const float g = grads[t][i], direction = std::fma(g, r.rest1, m * r.beta1);
      p = std::fma(direction > 0 ? 1.F : direction < 0 ? -1.F : 0.F, r.step, p * r.decay);
      m = std::fma(g, r.rest2, m * r.beta2);
    }
    const size_t bytes = params[t].size() * sizeof(float);
    const auto differ = [bytes](const auto& a, const auto& b) {
      return bytes > 0 && std::memcmp(a.data(), b.data(), bytes) != 0;
    };
    if (differ(params[t], expected_params[t]) || differ(momenta[t], expected_momenta[t])) {
      ++failures;
      std::printf("tensor %d of %d, %d values\n", static_cast<int>(t), static_cast<int>(counts.size()),
                  static_cast<int>(counts[t]));
    }
  }
}

}  // namespace

int main() {
  for (const int64_t shift : {0, 1}) {
    check({1, 2, 3, 4, 5, 0, 255, 256, 257, 16383, 16384, 16385, 40000}, shift);
    check(std::vector<int64_t>(801, 6), shift);  // more than one launch takes
    check({}, shift);
    check({0}, shift);
  }
  if (failures == 0) std::printf("equal\n");
  return failures == 0 ? 0 : 1;
}
