// The levels that one environment has pushed on its thread. They end with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace noether {

class Levels {
 public:
  ~Levels();

  void pushed(int64_t level) { levels_.push_back(level); }
  // Ends the innermost one, which has to be `level`. Throws ERR_ARGUMENT.
  void pop(int64_t level);

  // Forward-mode derivatives: libtorch has one level for the whole process, and drops every tangent at its end. So one thread at a time
  // holds it, others wait; within a thread it nests.
  void enter_forward();
  void leave_forward();

  // What is open.
  size_t depth() const { return levels_.size() + forward_; }
  bool in_forward() const { return forward_ > 0; }

 private:
  std::vector<int64_t> levels_;
  size_t forward_ = 0;
};

}  // namespace noether
