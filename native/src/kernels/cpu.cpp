#include "kernels/cpu.h"

#include <c10/util/Exception.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kernels/bf16_rate.h"

#ifdef NOETHER_X86_KERNELS
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace noether::kernels {

namespace {

struct Tier {
  const char* name;
  bool CpuFeatures::* feature;  // null: none is needed
  const char* needs;
};

// Each has all that the ones before it have.
constexpr std::array<Tier, 5> kTiers = {{
    {"aten", nullptr, ""},
    {"avx2", &CpuFeatures::avx2, "AVX2, FMA and BMI2"},
    {"avx512", &CpuFeatures::avx512, "AVX-512 F, BW, DQ and VL"},
    {"avx512_bf16", &CpuFeatures::avx512_bf16, "AVX512_BF16"},
    {"amx", &CpuFeatures::amx, "AMX-TILE and AMX-BF16, and the system's permission to use them"},
}};

bool has(const CpuFeatures& cpu, const Tier& tier) {
  return tier.feature == nullptr || cpu.*tier.feature;
}

#ifdef NOETHER_X86_KERNELS
[[maybe_unused]] bool has_tile_unit() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tiles = (d >> 24 & 1U) != 0 && (d >> 22 & 1U) != 0;  // AMX-TILE, AMX-BF16
  if (!tiles) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

CpuFeatures detect() {
#ifdef NOETHER_EMULATION
  return {.avx2 = true, .avx512 = true, .avx512_bf16 = true, .amx = true};
#else
  CpuFeatures cpu;
  // These also ask whether the system saves the registers.
  cpu.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  cpu.avx512 = cpu.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  cpu.avx512_bf16 = cpu.avx512 && __builtin_cpu_supports("avx512bf16");
  cpu.amx = cpu.avx512_bf16 && has_tile_unit();
  return cpu;
#endif
}
#else
CpuFeatures detect() {
  return {};
}
#endif

// What no feature bit says.
CpuFeatures with_speeds(CpuFeatures cpu) {
#ifdef NOETHER_X86_KERNELS
  cpu.fast_bf16_pairs = cpu.avx512_bf16 && bf16_pairs_are_faster();
  cpu.intel = __builtin_cpu_is("intel");
#endif
  return cpu;
}

// What this CPU has, for the error message.
std::string tiers_of(const CpuFeatures& cpu) {
  std::string names;
  for (const Tier& tier : kTiers) {
    if (has(cpu, tier)) names += names.empty() ? tier.name : std::string(", ") + tier.name;
  }
  return names;
}

// Variables of before: whoever still sets one means to rule something out.
void refuse_replaced_variables() {
  for (const char* name : {"NOETHER_TILE_UNIT", "NOETHER_CPU_CAPABILITY"}) {
    const char* value = std::getenv(name);
    TORCH_CHECK_VALUE(value == nullptr || *value == '\0', "expected NOETHER_CPU, which has replaced ", name, ", got ",
                      name, "=\"", value, "\": unset ", name,
                      ", and name the highest instruction set in NOETHER_CPU (avx512_bf16 for no tile unit)");
  }
}

// The features up to the tier that the environment names.
CpuFeatures allowed(const CpuFeatures& cpu) {
  refuse_replaced_variables();
  const char* wanted = std::getenv("NOETHER_CPU");
  if (wanted == nullptr || *wanted == '\0') return cpu;
  CpuFeatures result;
  for (const Tier& tier : kTiers) {
    if (tier.feature != nullptr) result.*tier.feature = cpu.*tier.feature;
    if (std::string_view(tier.name) != wanted) continue;
    TORCH_CHECK_VALUE(has(cpu, tier), "expected a tier that this CPU has in NOETHER_CPU (", tiers_of(cpu), "), got \"",
                      wanted, "\", which needs ", tier.needs, ": name another, or unset it");
    return result;
  }
  TORCH_CHECK_VALUE(false, "expected aten, avx2, avx512, avx512_bf16 or amx in NOETHER_CPU, got \"", wanted,
                    "\": name the highest instruction set that kernels may use, or unset it");
}

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = with_speeds(allowed(detect()));
  return features;
}

const char* cpu_tier() {
  const char* highest = "";
  for (const Tier& tier : kTiers) {
    if (has(cpu_features(), tier)) highest = tier.name;
  }
  return highest;
}

}  // namespace noether::kernels
