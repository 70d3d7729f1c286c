// Begins a region of a file that is compiled for an instruction set, whatever the rest of the addon is compiled for. Such code runs
// only where cpu_features() has it. In a build with NOETHER_EMULATION the set is AVX2's, and native/emulation stands for the rest.
#pragma once

#define NOETHER_FOR_AVX2 _Pragma("GCC target(\"avx2,fma,bmi2\")")
#ifdef NOETHER_EMULATION
#define NOETHER_FOR_AVX512 NOETHER_FOR_AVX2
#define NOETHER_FOR_AVX512_BF16 NOETHER_FOR_AVX2
#else
#define NOETHER_FOR_AVX512 _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2\")")
#define NOETHER_FOR_AVX512_BF16 _Pragma("GCC target(\"avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2\")")
#endif
