// The CRC-32 of zip files (polynomial 0xEDB88320, reflected), fast enough to be lost in the time of the copy beside it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace noether {

// Continues `crc` (0 at the start) over `length` bytes.
uint32_t crc32(uint32_t crc, const void* data, size_t length);

}  // namespace noether
