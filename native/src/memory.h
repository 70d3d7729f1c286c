// Counts the host memory that libtorch's CPU allocator holds, for the whole process.
#pragma once

#include <cstdint>

namespace noether {

struct AllocatedBytes {
  int64_t now;
  int64_t peak;
};

// Puts a counting allocator in front of libtorch's own; once per process, whatever the number of environments.
void install_counting_allocator();
AllocatedBytes allocated_bytes();
void reset_peak_bytes();

}  // namespace noether
