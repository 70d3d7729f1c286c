#include "memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <array>
#include <atomic>
#include <mutex>

#if defined(__APPLE__)
#include <malloc/malloc.h>
#define noether_usable_size malloc_size
#else
#include <malloc.h>
#define noether_usable_size malloc_usable_size
#endif

namespace noether {

namespace {

std::atomic<int64_t> now{0};
std::atomic<int64_t> peak{0};

void count_allocated(int64_t bytes) {
  const int64_t total = now.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t highest = peak.load(std::memory_order_relaxed);
  while (total > highest && !peak.compare_exchange_weak(highest, total, std::memory_order_relaxed)) {
  }
}

// Freed blocks of up to 4 KiB wait here for the next tensor of their size: an aligned allocation in the C library takes
// about a sixth of the time of an operator on a tiny tensor. Sizes are multiples of the alignment.
constexpr size_t kUnit = 64;
constexpr size_t kClasses = 64;

class SmallBlocks {
 public:
  ~SmallBlocks() {
    alive = false;
    for (Stack& stack : stacks_) {
      while (stack.count > 0) c10::free_cpu(stack.blocks[--stack.count]);
    }
  }

  void* take(size_t size_class) {
    Stack& stack = stacks_[size_class];
    return stack.count > 0 ? stack.blocks[--stack.count] : nullptr;
  }

  bool give(size_t size_class, void* block) {
    Stack& stack = stacks_[size_class];
    if (stack.count == stack.blocks.size()) return false;
    stack.blocks[stack.count++] = block;
    return true;
  }

  static thread_local bool alive;

 private:
  struct Stack {
    size_t count = 0;
    std::array<void*, 32> blocks;
  };
  std::array<Stack, kClasses + 1> stacks_;
};

// Tensors may be freed by destructors that run after this thread's cache is gone.
thread_local bool SmallBlocks::alive = true;
thread_local SmallBlocks small_blocks;

// Which size a block can serve; the C library knows how large it is, so nothing needs to be stored beside it.
size_t class_of(size_t usable) { return usable / kUnit; }

class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    if (size == 0) return {nullptr, nullptr, &CountingAllocator::release, c10::Device(c10::DeviceType::CPU)};
    void* block = nullptr;
    const size_t size_class = (size + kUnit - 1) / kUnit;
    if (size_class <= kClasses) {
      if (SmallBlocks::alive) block = small_blocks.take(size_class);
      size = size_class * kUnit;
    }
    if (!block) block = c10::alloc_cpu(size);
    count_allocated(static_cast<int64_t>(noether_usable_size(block)));
    return {block, block, &CountingAllocator::release, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &CountingAllocator::release; }

  void copy_data(void* destination, const void* source, size_t count) const override {
    default_copy_data(destination, source, count);
  }

 private:
  static void release(void* block) {
    if (!block) return;
    const size_t usable = noether_usable_size(block);
    now.fetch_sub(static_cast<int64_t>(usable), std::memory_order_relaxed);
    const size_t size_class = class_of(usable);
    if (size_class <= kClasses && SmallBlocks::alive && small_blocks.give(size_class, block)) return;
    c10::free_cpu(block);
  }
};

}  // namespace

void install_counting_allocator() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Never freed: storages hold its deleter until the process ends.
    c10::SetCPUAllocator(new CountingAllocator(), /*priority=*/100);
  });
}

AllocatedBytes allocated_bytes() { return {now.load(), peak.load()}; }

void reset_peak_bytes() { peak.store(now.load()); }

}  // namespace noether
