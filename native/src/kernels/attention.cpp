#include "kernels/attention.h"

namespace noether::kernels {

namespace {

const KernelTable<AttentionKernel>& table() {
  static const KernelTable<AttentionKernel> kernels = {
#ifdef NOETHER_X86_KERNELS
      &kAttentionAmx,
#endif
  };
  return kernels;
}

}  // namespace

const AttentionKernel* find_attention(const AttentionProblem& problem) {
  for (const AttentionKernel* kernel : table().available()) {
    if (kernel->worthwhile(problem)) return kernel;
  }
  return nullptr;
}

std::vector<KernelStatus> attention_kernels() {
  return table().status();
}

}  // namespace noether::kernels
