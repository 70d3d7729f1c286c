#include "kernels/attention.h"

#include "kernels/attention_amx.h"

namespace noether::kernels {

namespace {

// Below, packing costs more than the tile unit saves.
bool pays_with_amx(const AttentionProblem& problem) {
  return problem.channels == 64 && problem.queries >= 64 && problem.keys >= 128;
}

// name, requirement, dtypes and sizes where it pays, functions
const KernelTable<AttentionKernel>& table() {
  static const KernelTable<AttentionKernel> kernels = {
#ifdef NOETHER_X86_KERNELS
      {"amx", &CpuFeatures::amx, pays_with_amx, {attention_amx_forward, attention_amx_backward}},
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
