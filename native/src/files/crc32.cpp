#include "files/crc32.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace noether {

namespace {

// Tables for eight bytes a step: tables[k][b] is the CRC of byte b followed by k zero bytes.
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320u : 0u);
    tables[0][byte] = value;
  }
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (size_t k = 1; k < 8; ++k) {
      tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xFF];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

uint32_t update_by_table(uint32_t state, const uint8_t* data, size_t length) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; length >= 8; data += 8, length -= 8) {
      uint64_t word;
      std::memcpy(&word, data, 8);
      word ^= state;
      state = 0;
      for (size_t k = 0; k < 8; ++k) state ^= kTables[7 - k][(word >> (8 * k)) & 0xFF];
    }
  }
  for (; length > 0; ++data, --length) state = (state >> 8) ^ kTables[0][(state ^ *data) & 0xFF];
  return state;
}

#if defined(__x86_64__)
// Folding by carry-less multiplication, 64 bytes a step. Method and constants: V. Gopal et al., "Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009, for the reflected polynomial.
__attribute__((target("pclmul,sse4.1"))) __m128i fold(__m128i value, __m128i next, __m128i constants) {
  const __m128i low = _mm_clmulepi64_si128(value, constants, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, constants, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// `length` is a multiple of 16 and at least 64.
__attribute__((target("pclmul,sse4.1"))) uint32_t update_by_folding(uint32_t state, const uint8_t* data,
                                                                    size_t length) {
  const auto load = [](const uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
  const __m128i by_64 = _mm_set_epi64x(0x1C6E41596, 0x154442BD4);  // x^(512-32), x^(512+32)
  const __m128i by_16 = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);  // x^(128-32), x^(128+32)

  __m128i lanes[4];
  for (int i = 0; i < 4; ++i) lanes[i] = load(data + 16 * i);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  for (data += 64, length -= 64; length >= 64; data += 64, length -= 64) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) lanes[i] = fold(lanes[i], load(data + 16 * i), by_64);
  }
  __m128i value = lanes[0];
  for (int i = 1; i < 4; ++i) value = fold(value, lanes[i], by_16);
  for (; length >= 16; data += 16, length -= 16) value = fold(value, load(data), by_16);

  // 128 -> 64 bits, then Barrett reduction to 32.
  const __m128i mask = _mm_setr_epi32(-1, 0, -1, 0);
  value = _mm_xor_si128(_mm_srli_si128(value, 8), _mm_clmulepi64_si128(value, by_16, 0x10));
  const __m128i by_4 = _mm_set_epi64x(0, 0x163CD6124);
  value = _mm_xor_si128(_mm_srli_si128(value, 4), _mm_clmulepi64_si128(_mm_and_si128(value, mask), by_4, 0x00));
  const __m128i barrett = _mm_set_epi64x(0x1F7011641, 0x1DB710641);
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(value, mask), barrett, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, mask), barrett, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(value, quotient), 1));
}
#endif

}  // namespace

uint32_t crc32(uint32_t crc, const void* data, size_t length) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  uint32_t state = ~crc;
#if defined(__x86_64__)
  static const bool can_fold = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (can_fold && length >= 64) {
    const size_t folded = length & ~size_t{15};
    state = update_by_folding(state, bytes, folded);
    bytes += folded;
    length -= folded;
  }
#endif
  return ~update_by_table(state, bytes, length);
}

}  // namespace noether
