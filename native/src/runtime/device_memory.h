// Memory of devices beside the CPU, as libtorch's caching allocators count it.
#pragma once

#include <cstdint>

#include "torch_setup.h"

namespace noether {

// Bytes that tensors hold on all devices; 0 where their allocator does not count.
int64_t device_bytes();

// Gives what the allocators of devices and of pinned memory keep for reuse back to the system; nothing where no device was used.
void empty_device_caches();


}  // namespace noether
