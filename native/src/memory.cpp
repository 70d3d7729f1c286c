#include "memory.h"

#include <c10/core/CPUAllocator.h>

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

void add(int64_t bytes) {
  const int64_t total = now.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t highest = peak.load(std::memory_order_relaxed);
  while (total > highest && !peak.compare_exchange_weak(highest, total, std::memory_order_relaxed)) {
  }
}

// The C library knows an allocation's size, so nothing needs to be stored beside it and pointers stay what they were.
class CountingAllocator final : public c10::Allocator {
 public:
  static at::Allocator* inner;

  c10::DataPtr allocate(size_t size) override {
    c10::DataPtr pointer = inner->allocate(size);
    void* memory = pointer.get();
    if (!memory || pointer.get_context() != memory) return pointer;
    if (!pointer.compare_exchange_deleter(inner->raw_deleter(), &CountingAllocator::release)) return pointer;
    add(static_cast<int64_t>(noether_usable_size(memory)));
    return pointer;
  }

  c10::DeleterFnPtr raw_deleter() const override { return &CountingAllocator::release; }

  void copy_data(void* destination, const void* source, size_t count) const override {
    default_copy_data(destination, source, count);
  }

 private:
  static void release(void* memory) {
    if (!memory) return;
    now.fetch_sub(static_cast<int64_t>(noether_usable_size(memory)), std::memory_order_relaxed);
    inner->raw_deleter()(memory);
  }
};

at::Allocator* CountingAllocator::inner = nullptr;

}  // namespace

void install_counting_allocator() {
  static std::once_flag once;
  std::call_once(once, [] {
    CountingAllocator::inner = c10::GetCPUAllocator();
    if (!CountingAllocator::inner->raw_deleter()) return;
    // Never freed: storages hold its deleter until the process ends.
    c10::SetCPUAllocator(new CountingAllocator(), /*priority=*/100);
  });
}

AllocatedBytes allocated_bytes() { return {now.load(), peak.load()}; }

void reset_peak_bytes() { peak.store(now.load()); }

}  // namespace noether
