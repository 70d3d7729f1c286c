#include "small_blocks.h"

#include <array>
#include <cstdlib>
#include <new>

namespace noether {

namespace {

constexpr size_t kClasses = kLargestSmallBlock / kBlockUnit;

class SmallBlocks {
 public:
  ~SmallBlocks() {
    alive = false;
    for (size_t size_class = 1; size_class <= kClasses; ++size_class) {
      while (void* block = take(size_class)) std::free(block);
    }
  }

  void* take(size_t size_class) {
    Stack& stack = stacks_[size_class];
    Free* block = stack.top;
    if (!block) return nullptr;
    stack.top = block->next;
    --stack.count;
    return block;
  }

  bool give(size_t size_class, void* memory) {
    Stack& stack = stacks_[size_class];
    if (stack.count * size_class * kBlockUnit >= kBytesPerClass) return false;
    stack.top = new (memory) Free{stack.top};
    ++stack.count;
    return true;
  }

  static thread_local bool alive;

 private:
  static constexpr size_t kBytesPerClass = size_t{256} << 10;
  // Written into the free block itself.
  struct Free {
    Free* next;
  };
  struct Stack {
    Free* top = nullptr;
    size_t count = 0;
  };
  std::array<Stack, kClasses + 1> stacks_;
};

// Tensors may be freed by destructors that run after this thread's cache is gone.
thread_local bool SmallBlocks::alive = true;
thread_local SmallBlocks small_blocks;

}  // namespace

void* take_small_block(size_t size) {
  return kReuse && SmallBlocks::alive ? small_blocks.take(size / kBlockUnit) : nullptr;
}

bool keep_small_block(size_t size, void* block) {
  return kReuse && SmallBlocks::alive && small_blocks.give(size / kBlockUnit, block);
}

void* InSmallBlock::operator new(size_t size) {
  size = block_size(size);
  if (size <= kLargestSmallBlock) {
    if (void* block = take_small_block(size)) return block;
  }
  void* block = nullptr;
  if (posix_memalign(&block, kBlockUnit, size) != 0) throw std::bad_alloc();
  return block;
}

void InSmallBlock::operator delete(void* block, size_t size) {
  size = block_size(size);
  if (size > kLargestSmallBlock || !keep_small_block(size, block)) std::free(block);
}

}  // namespace noether
