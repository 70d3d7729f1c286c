#pragma once

namespace noether::kernels {

// Whether this CPU, which has AVX512_BF16, multiplies pairs of bfloat16 faster than the same values in float32.
//
// No feature bit says so, and makers differ: an instruction of pairs is twice the work of one in float32; Zen 4 starts
// both once a cycle, Sapphire Rapids one of pairs every other cycle and four in float32. The rates are a factor of four
// apart, so the least of a few runs of microseconds is a safe answer. Where it is "no", kernels for AVX-512 widen
// bfloat16 to float32, which is as fast as float32 and more exact.
bool bf16_pairs_are_faster();

}  // namespace noether::kernels
