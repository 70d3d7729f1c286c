// The CPU allocator: counts the host memory that tensors hold, and keeps freed blocks for reuse.
#pragma once

#include <cstdint>

namespace noether {

struct AllocatedBytes {
  int64_t now;
  int64_t peak;
};

// Puts our allocator in the place of libtorch's own; once per process, whatever the number of environments.
void install_counting_allocator();
AllocatedBytes allocated_bytes();
void reset_peak_bytes();
// Gives the blocks that wait for reuse back to the system.
void empty_cache();

}  // namespace noether
