// The table of an operation's implementations: kernels for single instruction sets in the order of preference. What is
// not in it, or not taken, is ATen's.
#pragma once

#include <initializer_list>
#include <vector>

#include "kernels/cpu.h"

namespace noether::kernels {

// The feature of the CPU that an implementation cannot do without.
using Requirement = bool CpuFeatures::*;

struct KernelStatus {
  const char* name;
  bool available;
};

// Kernel: a struct with `name` and `requirement` (see matrix_product.h).
template <typename Kernel>
class KernelTable {
 public:
  KernelTable(std::initializer_list<const Kernel*> by_preference) : all_(by_preference) {
    for (const Kernel* kernel : all_) {
      if (cpu_features().*kernel->requirement) available_.push_back(kernel);
    }
  }

  // Those that this machine has.
  const std::vector<const Kernel*>& available() const { return available_; }

  std::vector<KernelStatus> status() const {
    std::vector<KernelStatus> result;
    for (const Kernel* kernel : all_) result.push_back({kernel->name, cpu_features().*kernel->requirement});
    return result;
  }

 private:
  std::vector<const Kernel*> all_, available_;
};

}  // namespace noether::kernels
