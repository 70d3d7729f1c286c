#include "runtime/memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "small_blocks.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif
#if defined(__APPLE__)
#include <malloc/malloc.h>
#define noether_usable_size malloc_size
#else
#include <malloc.h>
#define noether_usable_size malloc_usable_size
#endif

namespace noether {

// One for all copies of the addon in the process, also of different versions: the linker gives visible inline variables
// of one name one place (GCC: STB_GNU_UNIQUE). The first copy's allocator serves all. Whoever changes the layout changes
// the name.
struct ProcessMemory {
  std::atomic<int64_t> now{0};
  std::atomic<int64_t> peak{0};
  std::atomic<void (*)()> empty_cache{nullptr};
};
__attribute__((visibility("default"))) inline ProcessMemory process_memory_v1;

namespace {

ProcessMemory& memory() { return process_memory_v1; }

int64_t count_allocated(int64_t bytes) {
  const int64_t total = memory().now.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t highest = memory().peak.load(std::memory_order_relaxed);
  while (total > highest && !memory().peak.compare_exchange_weak(highest, total, std::memory_order_relaxed)) {
  }
  return total;
}

// The C library's own allocation, as its question for the size of a block is used on it.
void* allocate_block(size_t bytes) {
  void* block = nullptr;
  return posix_memalign(&block, kBlockUnit, bytes) == 0 ? block : nullptr;
}
void free_block(void* block) {
  std::free(block);
}

// Larger freed blocks wait here: the system clears every page that it hands out anew, which for a training step takes
// longer than some of its operators. Blocks that nothing has asked for in a while go back to the system, and free blocks
// and live tensors together never hold more than live tensors once did. A floor of free blocks stays beside whatever
// lives: a small model frees its activations, of many sizes, as it goes, and with its weights they are all there ever
// was, so that those of one layer would push out those of the next (a fifth of the time of AB-UPT on few points). In a
// training step they do so, too, however many there are: the oldest is what the next step needs first. So nothing goes
// while free blocks and live tensors together are a modest amount (a fifth of the time of a step of UPT on few points, a tenth
// of AB-UPT's on eight small clouds).
class LargeBlocks {
 public:
  // Eight sizes from one power of two to the next, so that a block is at most an eighth too large.
  static size_t class_at_most(size_t bytes) {
    const auto exponent = static_cast<size_t>(std::bit_width(bytes)) - 1;
    return (exponent << 3) + ((bytes >> (exponent - 3)) & 7);
  }
  static size_t bytes_of(size_t size_class) { return (8 + (size_class & 7)) << ((size_class >> 3) - 3); }
  static size_t class_at_least(size_t bytes) {
    const size_t below = class_at_most(bytes);
    return bytes_of(below) == bytes ? below : below + 1;
  }

  void* take(size_t size_class) {
    const std::lock_guard lock(mutex_);
    Free* block = classes_[size_class];
    if (block) remove(block);
    return block;
  }

  void give(size_t size_class, void* memory) {
    const std::lock_guard lock(mutex_);
    auto* block = static_cast<Free*>(memory);
    *block = {newest_, nullptr, nullptr, classes_[size_class], size_class, Clock::now()};
    (newest_ ? newest_->newer : oldest_) = block;
    newest_ = block;
    if (block->next) block->next->previous = block;
    classes_[size_class] = block;
    bytes_ += static_cast<int64_t>(bytes_of(size_class));
    while (oldest_ && block->since - oldest_->since > kKept) free_oldest();
  }

  // Frees blocks until these and the live ones hold no more than live ones ever did, or these no more than the floor.
  void make_room(int64_t live) {
    if (bytes_.load(std::memory_order_relaxed) <= allowed(live)) return;
    const std::lock_guard lock(mutex_);
    highest_ = std::max(highest_.load(), live);
    while (oldest_ && bytes_ > allowed(live)) free_oldest();
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    while (oldest_) free_oldest();
    highest_ = 0;
#ifdef __GLIBC__
    malloc_trim(0);  // what the C library keeps between blocks that are in use
#endif
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::duration kKept = std::chrono::seconds(30);
  static constexpr int64_t kFloor = int64_t{64} << 20;
  static constexpr int64_t kModest = int64_t{512} << 20;

  // Written into the free block itself.
  struct Free {
    Free *older, *newer;    // in order of release
    Free *previous, *next;  // of the same size
    size_t size_class;
    Clock::time_point since;
  };

  int64_t allowed(int64_t live) const {
    return std::max(kFloor, std::max(kModest, highest_.load(std::memory_order_relaxed)) - live);
  }

  void remove(Free* block) {
    (block->older ? block->older->newer : oldest_) = block->newer;
    (block->newer ? block->newer->older : newest_) = block->older;
    (block->previous ? block->previous->next : classes_[block->size_class]) = block->next;
    if (block->next) block->next->previous = block->previous;
    bytes_ -= static_cast<int64_t>(bytes_of(block->size_class));
  }

  void free_oldest() {
    Free* block = oldest_;
    remove(block);
    return_pages(block);
    free_block(block);
  }

  // The C library gives a block's memory back to the system by itself only where nothing that is in use lies behind it.
  static void return_pages([[maybe_unused]] void* block) {
#if defined(__linux__)
    static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<uintptr_t>(block);
    const uintptr_t begin = (address + page - 1) / page * page;
    const uintptr_t end = (address + noether_usable_size(block)) / page * page;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
#endif
  }

  std::mutex mutex_;
  Free *oldest_ = nullptr, *newest_ = nullptr;
  std::array<Free*, 64 * 8> classes_{};
  // Written under the mutex.
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> highest_{0};
};

// Never destroyed: tensors may outlive every destructor.
LargeBlocks& large_blocks() {
  static auto* blocks = new LargeBlocks();
  return *blocks;
}

// glibc keeps freed blocks of up to 128 bytes apart and joins all of them with their neighbours whenever it frees a larger
// one beside much free memory. Where tensors are freed by the thousand, as after a collection, that is at every tensor: a
// tenth of the time of a small operator, a fifth of one that is recorded. Without them each block is joined as it is freed.
void disable_fast_bins() {
#if defined(__GLIBC__)
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  if (!tunables || !std::strstr(tunables, "glibc.malloc.mxfast")) mallopt(M_MXFAST, 0);
#endif
}

class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    if (size == 0) return {nullptr, nullptr, &CountingAllocator::release, c10::Device(c10::DeviceType::CPU)};
    const bool small = size <= kLargestSmallBlock;
    const size_t large_class = small ? 0 : LargeBlocks::class_at_least(size);
    const size_t rounded = small ? block_size(size) : LargeBlocks::bytes_of(large_class);
    void* block = small ? take_small_block(rounded) : kReuse ? large_blocks().take(large_class) : nullptr;
    const bool fresh = !block;
    if (fresh) block = allocate_fresh(size, rounded);
    const int64_t live = count_allocated(static_cast<int64_t>(noether_usable_size(block)));
    if (fresh) large_blocks().make_room(live);
    return {block, block, &CountingAllocator::release, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &CountingAllocator::release; }

  // Copy-on-write clones would move memory that a JavaScript array looks at.
  bool is_simple_data_ptr(const c10::DataPtr&) const override { return false; }

  void copy_data(void* destination, const void* source, size_t count) const override {
    default_copy_data(destination, source, count);
  }

 private:
  static void release(void* block) {
    if (!block) return;
    const size_t usable = noether_usable_size(block);
    memory().now.fetch_sub(static_cast<int64_t>(usable), std::memory_order_relaxed);
    const size_t size = usable / kBlockUnit * kBlockUnit;
    if (kReuse && size > kLargestSmallBlock)
      large_blocks().give(LargeBlocks::class_at_most(usable), block);
    else if (!kReuse || !keep_small_block(size, block))
      free_block(block);
  }

  // When memory is short, what waits for reuse goes first.
  static void* allocate_fresh(size_t size, size_t rounded) {
    if (void* block = allocate_block(rounded)) return block;
    large_blocks().clear();
    void* block = allocate_block(size);
    TORCH_CHECK_WITH(OutOfMemoryError, block, "DefaultCPUAllocator: can't allocate memory: you tried to allocate ",
                     size, " bytes");
    return block;
  }
};

}  // namespace

void install_counting_allocator() {
  static std::once_flag once;
  std::call_once(once, [] {
    void (*none)() = nullptr;
    if (!memory().empty_cache.compare_exchange_strong(none, [] { large_blocks().clear(); })) return;
    // Never freed: storages hold its deleter until the process ends.
    c10::SetCPUAllocator(new CountingAllocator(), /*priority=*/100);
    disable_fast_bins();
  });
}

AllocatedBytes allocated_bytes() {
  return {memory().now.load(std::memory_order_relaxed), memory().peak.load(std::memory_order_relaxed)};
}

void empty_cache() { memory().empty_cache.load()(); }

void reset_peak_bytes() { memory().peak.store(memory().now.load()); }

}  // namespace noether
