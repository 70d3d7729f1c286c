// Values of any type of a kernel, and how far they are from the truth.
#pragma once

#include <cstdio>
#include <random>
#include <vector>

#include "cuda/reals.cuh"

inline int failures = 0;
inline std::mt19937_64 source(11);

inline double draw() { return std::uniform_real_distribution<double>(-2, 2)(source); }

template <typename T>
std::vector<T> drawn(size_t count) {
  std::vector<T> values(count);
  for (T& value : values) value = noether::cuda::narrow<T>(static_cast<float>(draw()));
  return values;
}

template <typename T>
double wide(T value) {
  return noether::cuda::widen(value);
}

// Largest rounding error of a result near 1.
template <typename T>
constexpr double kRounding = sizeof(T) == 4 ? 1e-6 : 8e-3;

template <typename T>
void expect_close(const std::vector<T>& got, const std::vector<double>& expected, double tolerance, const char* what) {
  double error = got.size() == expected.size() ? 0 : INFINITY, scale = 1;
  for (size_t i = 0; i < got.size() && i < expected.size(); ++i) {
    const double off = std::abs(wide(got[i]) - expected[i]);
    error = off <= error ? error : std::isnan(off) ? INFINITY : off;
    scale = std::max(scale, std::abs(expected[i]));
  }
  if (error <= tolerance * scale) return;
  ++failures;
  std::printf("%s: off by %g, allowed %g\n", what, error, tolerance * scale);
}
