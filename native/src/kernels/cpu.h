// What the CPU has that kernels for single instruction sets ask for.
#pragma once

// Compilers that such kernels are written for.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define NOETHER_X86_KERNELS 1
#endif

namespace noether::kernels {

// Each includes what its name's instruction set is compiled with, and that the system saves its registers.
struct CpuFeatures {
  bool avx2 = false;         // with FMA and BMI2
  bool avx512 = false;       // F, BW, DQ and VL
  bool avx512_bf16 = false;  // with AVX-512
  bool amx = false;          // tiles of bfloat16, with both of AVX-512's
  // Products of pairs with AVX512_BF16 are faster than the same in float32: they are on AMD's Zen 4, at half the rate on
  // Intel's Sapphire Rapids. Measured, see bf16_rate.h.
  bool fast_bf16_pairs = false;
  bool intel = false;  // the maker that MKL, ATen's matrix products in float32, is written for
};

// Of this machine, up to the tier that NOETHER_CPU=aten|avx2|avx512|avx512_bf16|amx names where it is set; "aten" is
// none of them. Found once, where the permission to use the tile unit is asked for too. Throws ERR_VALUE for a tier
// that does not exist or that the CPU lacks.
const CpuFeatures& cpu_features();

// The highest tier among the features: "aten", "avx2", "avx512", "avx512_bf16" or "amx".
const char* cpu_tier();

}  // namespace noether::kernels
