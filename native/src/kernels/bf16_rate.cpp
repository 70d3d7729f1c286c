#include "kernels/bf16_rate.h"

#include "kernels/cpu.h"

#ifdef NOETHER_EMULATION

namespace noether::kernels {

// So that the kernels for pairs are tested.
bool bf16_pairs_are_faster() {
  return true;
}

}  // namespace noether::kernels

#elif defined(NOETHER_X86_KERNELS)

#include <immintrin.h>

#include <algorithm>
#include <chrono>

#include "kernels/instruction_sets.h"

namespace noether::kernels {
namespace {

#pragma GCC push_options
NOETHER_FOR_AVX512_BF16

constexpr int kSteps = 256;

// Enough independent sums to hide the latency of an instruction.
#define NOETHER_TWELVE_SUMS(step) \
  step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10) step(11)

__attribute__((noinline)) void run_float32() {
  for (int i = 0; i < kSteps; ++i) {
#define NOETHER_STEP(n) asm volatile("vfmadd231ps %%zmm12, %%zmm12, %%zmm" #n ::: "xmm" #n);
    NOETHER_TWELVE_SUMS(NOETHER_STEP)
#undef NOETHER_STEP
  }
}

__attribute__((noinline)) void run_pairs() {
  for (int i = 0; i < kSteps; ++i) {
#define NOETHER_STEP(n) asm volatile("vdpbf16ps %%zmm12, %%zmm12, %%zmm" #n ::: "xmm" #n);
    NOETHER_TWELVE_SUMS(NOETHER_STEP)
#undef NOETHER_STEP
  }
}

__attribute__((noinline)) void clear_registers() {
#define NOETHER_STEP(n) asm volatile("vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n ::: "xmm" #n);
  NOETHER_TWELVE_SUMS(NOETHER_STEP)
  NOETHER_STEP(12)
#undef NOETHER_STEP
}

#pragma GCC pop_options

double seconds(void (*run)()) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

bool bf16_pairs_are_faster() {
  constexpr int kRuns = 7;
  double float32 = 1, pairs = 1;
  for (int run = 0; run < kRuns; ++run) {
    clear_registers();  // zeros: no exponent may make an instruction slow
    float32 = std::min(float32, seconds(run_float32));
    pairs = std::min(pairs, seconds(run_pairs));
  }
  return pairs < 2 * float32;
}

}  // namespace noether::kernels

#endif
