// libtorch carries Gloo inside, but not its headers, and ProcessGroupGloo.hpp includes them. Objects of Gloo only occur behind pointers
// there, so their names are enough: everything that looks into them is compiled in libtorch.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
