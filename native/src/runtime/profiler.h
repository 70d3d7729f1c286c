// PyTorch's profiler: times of operators and kernels, written as a trace for Chrome and TensorBoard.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "torch_setup.h"

namespace at {
class RecordFunction;
}

namespace noether {

// One recording, from its preparation to its end, on the thread that made it. Kineto has one at a time in a process: a
// second one, also in another thread, is an error.
class Profiler {
 public:
  struct Options {
    bool cpu;
    bool cuda;
    bool record_shapes;
    bool profile_memory;
    bool with_flops;
  };

  // Warms the profiler up: nothing is recorded yet.
  explicit Profiler(const Options& options);
  // What was recorded is dropped.
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  void start();
  // Opens a named range, which holds what follows until it is closed; returns how many are open.
  size_t enter(const std::string& name);
  // Closes the range that was opened as this one, and those in it.
  void exit(size_t depth);
  // Ends the recording and writes the trace.
  void save(const std::string& path);

 private:
  enum class Stage { prepared, recording, ended };

  const Options options_;
  Stage stage_ = Stage::prepared;
  std::vector<std::unique_ptr<at::RecordFunction>> ranges_;
};

}  // namespace noether
