// Is told of operators that were called: anomaly mode. None as a rule.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "torch_setup.h"

namespace noether {

class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // An operator has ended. `first`: the sequence number of the first node that it may have recorded. `tensors`: its results, and the
  // arguments that it may have written in place.
  virtual void called(const std::string& operation, uint64_t first, const std::vector<at::Tensor>& tensors) = 0;
};

}  // namespace noether
