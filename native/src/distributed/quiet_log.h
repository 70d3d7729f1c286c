#pragma once

#include <c10/util/Logging.h>

#include <atomic>
#include <cstdlib>
#include <utility>

namespace noether {

// Connecting, libtorch prints each attempt with a C++ trace; the error that comes in the end says the same. TORCH_CPP_LOG_LEVEL in the
// environment brings the lines back.
class QuietLog {
 public:
  QuietLog() {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr && connecting_++ == 0) {
      before_ = std::exchange(FLAGS_caffe2_log_level, FATAL);
    }
  }
  ~QuietLog() {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr && --connecting_ == 0) FLAGS_caffe2_log_level = before_;
  }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;

 private:
  static inline std::atomic<int> connecting_{0};
  static constexpr int FATAL = 3;
  static inline int before_ = 0;
};

}  // namespace noether
