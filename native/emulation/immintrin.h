// AVX-512 in plain C++, for CPUs without it: the intrinsics that kernels use, lane by lane, from Intel's description of each.
// Found before the compiler's own header where NOETHER_EMULATION is on (CMakeLists.txt): for tests, many times slower.
// What reads and writes memory through a mask touches the chosen lanes only, as the instructions do.
#pragma once

#include_next <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#define NOETHER_EMULATED inline __attribute__((always_inline))

namespace noether::emulation {

// ---- lanes of a register

template <typename Lane, typename Register>
struct Lanes {
  static constexpr int kCount = sizeof(Register) / sizeof(Lane);
  Lane at[kCount];

  NOETHER_EMULATED static Lanes of(Register from) {
    Lanes lanes;
    std::memcpy(lanes.at, &from, sizeof from);
    return lanes;
  }
  NOETHER_EMULATED Register together() const {
    Register to;
    std::memcpy(&to, at, sizeof to);
    return to;
  }
};

template <typename Lane, typename Register, typename Value>
NOETHER_EMULATED Register each(Value value) {
  Lanes<Lane, Register> lanes;
  for (int i = 0; i < lanes.kCount; ++i) lanes.at[i] = value(i);
  return lanes.together();
}

using Floats = Lanes<float, __m512>;
using Words = Lanes<uint32_t, __m512i>;
using Longs = Lanes<uint64_t, __m512i>;
using Shorts = Lanes<uint16_t, __m512i>;
using HalfShorts = Lanes<uint16_t, __m256i>;

template <typename Value>
NOETHER_EMULATED __m512 floats(Value value) {
  return each<float, __m512>(value);
}
template <typename Value>
NOETHER_EMULATED __m512i words(Value value) {
  return each<uint32_t, __m512i>(value);
}

// ---- memory

NOETHER_EMULATED __m512 load(const void* from) {
  __m512 to;
  std::memcpy(&to, from, sizeof to);
  return to;
}
NOETHER_EMULATED __m512i load_bits(const void* from) {
  __m512i to;
  std::memcpy(&to, from, sizeof to);
  return to;
}
template <typename Register>
NOETHER_EMULATED void store(void* to, Register from) {
  std::memcpy(to, &from, sizeof from);
}
NOETHER_EMULATED __m512 masked_load(__mmask16 mask, const void* from) {
  const float* p = static_cast<const float*>(from);
  return floats([&](int i) { return (mask >> i & 1U) != 0 ? p[i] : 0.F; });
}
NOETHER_EMULATED void masked_store(void* to, __mmask16 mask, __m512 from) {
  const Floats lanes = Floats::of(from);
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1U) != 0) static_cast<float*>(to)[i] = lanes.at[i];
  }
}
template <typename Register, typename Mask>
NOETHER_EMULATED Register masked_load_shorts(Mask mask, const void* from) {
  const uint16_t* p = static_cast<const uint16_t*>(from);
  return each<uint16_t, Register>([&](int i) -> uint16_t { return (mask >> i & 1U) != 0 ? p[i] : 0; });
}
NOETHER_EMULATED void masked_store_shorts(void* to, __mmask16 mask, __m256i from) {
  const HalfShorts lanes = HalfShorts::of(from);
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1U) != 0) static_cast<uint16_t*>(to)[i] = lanes.at[i];
  }
}

// ---- numbers

NOETHER_EMULATED __m512 multiply_add(__m512 a, __m512 b, __m512 c, float sign) {
  const Floats x = Floats::of(a), y = Floats::of(b), z = Floats::of(c);
  return floats([&](int i) { return __builtin_fmaf(x.at[i], y.at[i], sign * z.at[i]); });
}
NOETHER_EMULATED __m512 larger(__m512 a, __m512 b) {
  const Floats x = Floats::of(a), y = Floats::of(b);
  return floats([&](int i) { return x.at[i] > y.at[i] ? x.at[i] : y.at[i]; });  // the second where one is no number
}
NOETHER_EMULATED float add_lanes(__m512 a) {
  const Floats x = Floats::of(a);
  float sums[16];
  std::memcpy(sums, x.at, sizeof sums);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) sums[i] += sums[i + width];
  }
  return sums[0];
}
template <int Predicate>
NOETHER_EMULATED __mmask16 compare(__m512 a, __m512 b) {
  static_assert(Predicate == _CMP_UNORD_Q || Predicate == _CMP_GT_OQ, "not emulated");
  const Floats x = Floats::of(a), y = Floats::of(b);
  __mmask16 mask = 0;
  for (int i = 0; i < 16; ++i) {
    const bool holds = Predicate == _CMP_GT_OQ ? x.at[i] > y.at[i] : x.at[i] != x.at[i] || y.at[i] != y.at[i];
    mask = static_cast<__mmask16>(mask | (holds ? 1U : 0U) << i);
  }
  return mask;
}
// x - floor(x).
template <int Control>
NOETHER_EMULATED __m512 reduce(__m512 a) {
  static_assert(Control == 9, "not emulated");
  const Floats x = Floats::of(a);
  return floats([&](int i) { return std::isinf(x.at[i]) ? 0.F : x.at[i] - std::floor(x.at[i]); });
}
// a 2^floor(b).
NOETHER_EMULATED __m512 scale(__m512 a, __m512 b) {
  const Floats x = Floats::of(a), y = Floats::of(b);
  return floats([&](int i) {
    if (std::isnan(x.at[i]) || std::isnan(y.at[i])) return std::numeric_limits<float>::quiet_NaN();
    // beyond these every number is infinite, or zero
    const float power = std::floor(std::fmin(std::fmax(y.at[i], -1000.F), 1000.F));
    return std::ldexp(x.at[i], static_cast<int>(power));
  });
}

// ---- bits

template <int Count>
NOETHER_EMULATED __m512i shifted_left(__m512i a) {
  const Words x = Words::of(a);
  return words([&](int i) { return x.at[i] << Count; });
}
template <int Count>
NOETHER_EMULATED __m512i shifted_right(__m512i a) {
  const Words x = Words::of(a);
  return words([&](int i) { return x.at[i] >> Count; });
}
NOETHER_EMULATED __m512i choose(__m512i otherwise, __mmask16 mask, __m512i a) {
  const Words x = Words::of(a), y = Words::of(otherwise);
  return words([&](int i) { return (mask >> i & 1U) != 0 ? x.at[i] : y.at[i]; });
}
// In each quarter of 128 bits: the low (or high) lanes of a and b in turns.
template <typename Lane, bool High>
NOETHER_EMULATED __m512i unpack(__m512i a, __m512i b) {
  using These = Lanes<Lane, __m512i>;
  constexpr int kQuarter = These::kCount / 4;
  const These x = These::of(a), y = These::of(b);
  return each<Lane, __m512i>([&](int i) {
    const int from = i / kQuarter * kQuarter + i % kQuarter / 2 + (High ? kQuarter / 2 : 0);
    return i % 2 == 0 ? x.at[from] : y.at[from];
  });
}
// Two quarters of a, then two of b.
template <int Control>
NOETHER_EMULATED __m512i shuffle_quarters(__m512i a, __m512i b) {
  const Words x = Words::of(a), y = Words::of(b);
  return words([&](int i) {
    const int quarter = Control >> (2 * (i / 4)) & 3;
    return (i < 8 ? x : y).at[quarter * 4 + i % 4];
  });
}
NOETHER_EMULATED __m512i permute_shorts(__m512i order, __m512i a) {
  const Shorts x = Shorts::of(a), by = Shorts::of(order);
  return each<uint16_t, __m512i>([&](int i) { return x.at[by.at[i] & 31U]; });
}
NOETHER_EMULATED __m512i widen_shorts(__m256i a) {
  const HalfShorts x = HalfShorts::of(a);
  return words([&](int i) { return uint32_t{x.at[i]}; });
}
NOETHER_EMULATED __m256i narrow_words(__m512i a) {
  const Words x = Words::of(a);
  return each<uint16_t, __m256i>([&](int i) { return static_cast<uint16_t>(x.at[i]); });
}
template <int Half>
NOETHER_EMULATED __m512i with_half(__m512i a, __m256i half) {
  std::memcpy(reinterpret_cast<char*>(&a) + 32 * Half, &half, sizeof half);
  return a;
}
NOETHER_EMULATED __m512i from_half(__m256i half) {
  __m512i whole{};
  std::memcpy(&whole, &half, sizeof half);
  return whole;
}

// ---- bfloat16, whose instructions take and give zero for what is too small to be normal

NOETHER_EMULATED float flushed(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.F, x) : x;
}
NOETHER_EMULATED float from_bfloat16(uint16_t half) {
  const uint32_t bits = uint32_t{half} << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return flushed(x);
}
NOETHER_EMULATED uint16_t to_bfloat16(float x) {
  x = flushed(x);
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (std::isnan(x)) return static_cast<uint16_t>(bits >> 16 | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}
NOETHER_EMULATED __m256bh narrow(__m512 a) {
  const Floats x = Floats::of(a);
  return each<uint16_t, __m256bh>([&](int i) { return to_bfloat16(x.at[i]); });
}
NOETHER_EMULATED __m512bh narrow(__m512 high, __m512 low) {
  const Floats x = Floats::of(low), y = Floats::of(high);
  return each<uint16_t, __m512bh>([&](int i) { return to_bfloat16(i < 16 ? x.at[i] : y.at[i - 16]); });
}
NOETHER_EMULATED __m512 add_pairs(__m512 sum, __m512bh a, __m512bh b) {
  using Halves = Lanes<uint16_t, __m512bh>;
  const Halves x = Halves::of(a), y = Halves::of(b);
  const Floats before = Floats::of(sum);
  return floats([&](int i) {
    float result = flushed(before.at[i]);
    for (const int j : {2 * i + 1, 2 * i}) {
      result = flushed(__builtin_fmaf(from_bfloat16(x.at[j]), from_bfloat16(y.at[j]), result));
    }
    return result;
  });
}

}  // namespace noether::emulation

#define _mm512_load_ps(p) noether::emulation::load(p)
#define _mm512_loadu_ps(p) noether::emulation::load(p)
#define _mm512_load_si512(p) noether::emulation::load_bits(p)
#define _mm512_loadu_si512(p) noether::emulation::load_bits(p)
#define _mm512_store_ps(p, a) noether::emulation::store(p, a)
#define _mm512_storeu_ps(p, a) noether::emulation::store(p, a)
#define _mm512_store_si512(p, a) noether::emulation::store(p, a)
#define _mm512_storeu_si512(p, a) noether::emulation::store(p, a)
#define _mm512_maskz_loadu_ps(mask, p) noether::emulation::masked_load(mask, p)
#define _mm512_mask_storeu_ps(p, mask, a) noether::emulation::masked_store(p, mask, a)
#define _mm512_maskz_loadu_epi16(mask, p) noether::emulation::masked_load_shorts<__m512i, __mmask32>(mask, p)
#define _mm256_maskz_loadu_epi16(mask, p) noether::emulation::masked_load_shorts<__m256i, __mmask16>(mask, p)
#define _mm256_mask_storeu_epi16(p, mask, a) noether::emulation::masked_store_shorts(p, mask, a)

#define _mm512_setzero_ps() (__m512{})
#define _mm512_setzero_si512() (__m512i{})
#define _mm512_set1_ps(x) noether::emulation::floats([value = float{x}](int) { return value; })
#define _mm512_set1_epi32(x) noether::emulation::words([value = static_cast<uint32_t>(x)](int) { return value; })
#define _mm512_add_ps(a, b) (__m512(a) + __m512(b))
#define _mm512_sub_ps(a, b) (__m512(a) - __m512(b))
#define _mm512_mul_ps(a, b) (__m512(a) * __m512(b))
#define _mm512_fmadd_ps(a, b, c) noether::emulation::multiply_add(a, b, c, 1.F)
#define _mm512_fmsub_ps(a, b, c) noether::emulation::multiply_add(a, b, c, -1.F)
#define _mm512_max_ps(a, b) noether::emulation::larger(a, b)
#define _mm512_reduce_add_ps(a) noether::emulation::add_lanes(a)
#define _mm512_cmp_ps_mask(a, b, predicate) noether::emulation::compare<predicate>(a, b)
#define _mm512_reduce_ps(a, control) noether::emulation::reduce<control>(a)
#define _mm512_scalef_ps(a, b) noether::emulation::scale(a, b)

#define _mm512_castps_si512(a) ((__m512i)(a))
#define _mm512_castsi512_ps(a) ((__m512)(a))
#define _mm512_castsi256_si512(a) noether::emulation::from_half(a)
#define _mm512_inserti64x4(a, b, half) noether::emulation::with_half<half>(a, b)
#define _mm512_and_si512(a, b) (__m512i(a) & __m512i(b))
#define _mm512_or_si512(a, b) (__m512i(a) | __m512i(b))
#define _mm512_add_epi32(a, b) ((__m512i)((__v16su)(a) + (__v16su)(b)))
#define _mm512_slli_epi32(a, count) noether::emulation::shifted_left<count>(a)
#define _mm512_srli_epi32(a, count) noether::emulation::shifted_right<count>(a)
#define _mm512_mask_mov_epi32(otherwise, mask, a) noether::emulation::choose(otherwise, mask, a)
#define _mm512_unpacklo_epi32(a, b) noether::emulation::unpack<uint32_t, false>(a, b)
#define _mm512_unpackhi_epi32(a, b) noether::emulation::unpack<uint32_t, true>(a, b)
#define _mm512_unpacklo_epi64(a, b) noether::emulation::unpack<uint64_t, false>(a, b)
#define _mm512_unpackhi_epi64(a, b) noether::emulation::unpack<uint64_t, true>(a, b)
#define _mm512_shuffle_i32x4(a, b, control) noether::emulation::shuffle_quarters<control>(a, b)
#define _mm512_permutexvar_epi16(order, a) noether::emulation::permute_shorts(order, a)
#define _mm512_cvtepu16_epi32(a) noether::emulation::widen_shorts(a)
#define _mm512_cvtepi32_epi16(a) noether::emulation::narrow_words(a)

#define _mm512_cvtneps_pbh(a) noether::emulation::narrow(a)
#define _mm512_cvtne2ps_pbh(high, low) noether::emulation::narrow(high, low)
#define _mm512_dpbf16_ps(sum, a, b) noether::emulation::add_pairs(sum, a, b)
