#include "kernels/attention.h"

#include "kernels/attention_amx.h"

namespace noether::kernels {

namespace {

#ifdef NOETHER_X86_KERNELS
// Below, packing costs more than the tile unit saves.
bool pays_with_amx(const AttentionProblem& problem) {
  return problem.channels == 64 && problem.queries >= 64 && problem.keys >= 128;
}

bool fits_vectors(const AttentionProblem& problem) {
  return problem.channels % 8 == 0 && problem.channels <= 128;
}

// Below, ATen's are within a tenth or faster: the last block of queries is filled up with padding.
bool pays_with_avx512(const AttentionProblem& problem) {
  const int least = problem.bfloat16 ? 32 : 64;
  return fits_vectors(problem) && problem.queries >= least && problem.keys >= 64;
}
bool pays_with_pairs(const AttentionProblem& problem) {
  return problem.bfloat16 && pays_with_avx512(problem);
}
bool pays_with_avx2(const AttentionProblem& problem) {
  return pays_with_avx512(problem);
}
#endif

// name, requirement, dtypes and sizes where it pays, functions (attention_<name>….cpp)
const KernelTable<AttentionKernel>& table() {
  static const KernelTable<AttentionKernel> kernels = {
#ifdef NOETHER_X86_KERNELS
      {"amx", &CpuFeatures::amx, pays_with_amx, {attention_amx_forward, attention_amx_backward}},
      {"avx512_bf16",
       &CpuFeatures::fast_bf16_pairs,
       pays_with_pairs,
       {attention_avx512_bf16_forward, attention_avx512_bf16_backward}},
      {"avx512", &CpuFeatures::avx512, pays_with_avx512, {attention_avx512_forward, attention_avx512_backward}},
      {"avx2", &CpuFeatures::avx2, pays_with_avx2, {attention_avx2_forward, attention_avx2_backward}},
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
