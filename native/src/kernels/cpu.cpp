#include "kernels/cpu.h"

#include <c10/util/Exception.h>

#include <array>
#include <cstdlib>
#include <string_view>

#ifdef NOETHER_X86_KERNELS
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace noether::kernels {

namespace {

constexpr std::array<std::string_view, 4> kTiers = {"default", "avx2", "avx512", "amx"};

// The highest tier that the environment allows, by its place in kTiers.
size_t allowed_tier() {
  const char* wanted = std::getenv("NOETHER_CPU_CAPABILITY");
  if (!wanted || *wanted == '\0') return kTiers.size() - 1;
  for (size_t tier = 0; tier < kTiers.size(); ++tier) {
    if (kTiers[tier] == wanted) return tier;
  }
  TORCH_CHECK_VALUE(false, "expected default, avx2, avx512 or amx in NOETHER_CPU_CAPABILITY, got \"", wanted,
                    "\": name the highest instruction set that kernels may use, or unset it");
}

#ifdef NOETHER_X86_KERNELS
bool has_tile_unit() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tiles = (d >> 24 & 1U) != 0 && (d >> 22 & 1U) != 0;  // AMX-TILE, AMX-BF16
  if (!tiles) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

CpuFeatures detect(size_t tier) {
  const std::string_view tile_unit = std::getenv("NOETHER_TILE_UNIT") ? std::getenv("NOETHER_TILE_UNIT") : "";
  CpuFeatures cpu;
  // These also ask whether the system saves the registers.
  cpu.avx2 =
      tier >= 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  cpu.avx512 = tier >= 2 && cpu.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  cpu.avx512_bf16 = cpu.avx512 && __builtin_cpu_supports("avx512bf16");
  cpu.amx = tier >= 3 && cpu.avx512_bf16 && tile_unit != "0" && has_tile_unit();
  return cpu;
}
#else
CpuFeatures detect(size_t) {
  return {};
}
#endif

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect(allowed_tier());
  return features;
}

const char* cpu_capability() {
  const CpuFeatures& cpu = cpu_features();
  return kTiers[cpu.amx ? 3 : cpu.avx512 ? 2 : cpu.avx2 ? 1 : 0].data();
}

}  // namespace noether::kernels
