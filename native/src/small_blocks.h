// Freed blocks of up to 4 KiB wait here for the next tensor, or object beside a tensor, of their size: an aligned allocation
// in the C library takes about a sixth of the time of an operator on a tiny tensor, its objects as long again. Sizes are
// multiples of the alignment.
#pragma once

#include <cstddef>

namespace noether {

// The address sanitizer only sees a use after the end of what is really freed.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kReuse = false;
#else
constexpr bool kReuse = true;
#endif

constexpr size_t kBlockUnit = 64;
constexpr size_t kLargestSmallBlock = 64 * kBlockUnit;

constexpr size_t block_size(size_t size) { return (size + kBlockUnit - 1) / kBlockUnit * kBlockUnit; }

// A block of a size that is a multiple of the unit, up to the largest; null where none waits.
void* take_small_block(size_t size);
// Keeps a block of the C library's that holds this size; false where enough of them wait.
bool keep_small_block(size_t size, void* block);

// Objects of classes that inherit this live in such blocks.
struct InSmallBlock {
  static void* operator new(size_t size);
  static void operator delete(void* block, size_t size);
};

}  // namespace noether
