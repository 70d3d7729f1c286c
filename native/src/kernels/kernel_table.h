// The table of an operation's implementations: kernels for single instruction sets in the order of preference, each
// with what it needs, what it takes, where it pays, and its functions. What is not in it, or not taken, is ATen's.
#pragma once

#include <atomic>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "kernels/cpu.h"

namespace noether::kernels {

// The feature of the CPU that an implementation cannot do without.
using Requirement = bool CpuFeatures::*;

struct KernelStatus {
  const char* name;
  bool available;
};

// For tests: the name of the implementation to take for all that it takes, whether or not it pays; null: none.
inline std::atomic<const char*> preferred_kernel{nullptr};

// Kernel: a struct with `name`, `requirement`, `takes(problem)` and `worthwhile(problem)` (see attention.h).
template <typename Kernel>
class KernelTable {
 public:
  KernelTable(std::initializer_list<Kernel> by_preference) : all_(by_preference) {
    for (const Kernel& kernel : all_) {
      if (cpu_features().*kernel.requirement) available_.push_back(&kernel);
    }
  }
  KernelTable(const KernelTable&) = delete;
  KernelTable& operator=(const KernelTable&) = delete;

  // The first that this machine has and that is worthwhile; null: there is none.
  template <typename Problem>
  const Kernel* find(const Problem& problem) const {
    const char* preferred = preferred_kernel.load(std::memory_order_relaxed);
    for (const Kernel* kernel : available_) {
      if (!kernel->takes(problem)) continue;
      if (preferred != nullptr ? std::string_view(kernel->name) == preferred : kernel->worthwhile(problem))
        return kernel;
    }
    return nullptr;
  }

  // Those that this machine has.
  const std::vector<const Kernel*>& available() const { return available_; }

  std::vector<KernelStatus> status() const {
    std::vector<KernelStatus> result;
    for (const Kernel& kernel : all_) result.push_back({kernel.name, cpu_features().*kernel.requirement});
    return result;
  }

 private:
  std::vector<Kernel> all_;
  std::vector<const Kernel*> available_;
};

}  // namespace noether::kernels
