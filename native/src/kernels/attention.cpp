#include "kernels/attention.h"

#include "kernels/attention_amx.h"

namespace noether::kernels {

namespace {

#ifdef NOETHER_X86_KERNELS
bool heads_of_64(const AttentionProblem& problem) {
  return problem.channels == 64;
}
bool fits_vectors(const AttentionProblem& problem) {
  return problem.channels % 8 == 0 && problem.channels <= 128;
}
bool fits_pairs(const AttentionProblem& problem) {
  return problem.bfloat16 && fits_vectors(problem);
}

// Below, packing costs more than the tile unit saves.
bool pays_with_amx(const AttentionProblem& problem) {
  return problem.queries >= 64 && problem.keys >= 128;
}
// Below, ATen's are within a tenth or faster: the last block of queries is filled up with padding.
bool pays_with_vectors(const AttentionProblem& problem) {
  return problem.queries >= (problem.bfloat16 ? 32 : 64) && problem.keys >= 64;
}
bool pays_with_pairs(const AttentionProblem& problem) {
  return cpu_features().fast_bf16_pairs && pays_with_vectors(problem);
}
#endif

// In order of preference: name, requirement, what it takes, where it pays, functions (attention_<name>….cpp).
const KernelTable<AttentionKernel>& table() {
  static const KernelTable<AttentionKernel> kernels = {
#ifdef NOETHER_X86_KERNELS
      {"amx", &CpuFeatures::amx, heads_of_64, pays_with_amx, {attention_amx_forward, attention_amx_backward}},
      {"avx512_bf16",
       &CpuFeatures::avx512_bf16,
       fits_pairs,
       pays_with_pairs,
       {attention_avx512_bf16_forward, attention_avx512_bf16_backward}},
      {"avx512",
       &CpuFeatures::avx512,
       fits_vectors,
       pays_with_vectors,
       {attention_avx512_forward, attention_avx512_backward}},
      {"avx2", &CpuFeatures::avx2, fits_vectors, pays_with_vectors, {attention_avx2_forward, attention_avx2_backward}},
#endif
  };
  return kernels;
}

}  // namespace

const AttentionKernel* find_attention(const AttentionProblem& problem) {
  return table().find(problem);
}

std::vector<KernelStatus> attention_kernels() {
  return table().status();
}

}  // namespace noether::kernels
