// Device memory is host memory that only the runtime knows. An allocation reserves twice its size: the first half is what
// the caller gets as a device address and nobody may touch (host code that reads a CUDA pointer faults, as it would with a
// GPU), the second half holds the bytes.
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "runtime.h"

namespace {

struct Allocation {
  size_t size;
  int device;
};

constexpr size_t kPage = 4096;
std::mutex mutex;

std::map<const char*, Allocation>& allocations() {
  static auto* all = new std::map<const char*, Allocation>;
  return *all;
}

std::map<const char*, size_t>& pinned() {
  static auto* all = new std::map<const char*, size_t>;
  return *all;
}

std::vector<size_t>& used() {
  static auto* bytes = new std::vector<size_t>(fake::device_count(), 0);
  return *bytes;
}

// The entry of a map from first addresses that holds an address; null where none does.
template <typename Map, typename Size>
auto find(Map& map, const void* address, const Size& size_of) -> decltype(&*map.begin()) {
  auto next = map.upper_bound(static_cast<const char*>(address));
  if (next == map.begin()) return nullptr;
  auto& entry = *--next;
  return static_cast<const char*>(address) < entry.first + size_of(entry.second) ? &entry : nullptr;
}

auto* allocation_of(const void* address) {
  return find(allocations(), address, [](const Allocation& allocation) { return allocation.size; });
}

cudaError_t allocate(void** address, size_t size) {
  fake::count("memory cudaMalloc");
  *address = nullptr;
  if (fake::breaks_capture()) return fake::fail(cudaErrorStreamCaptureUnsupported);
  size = (size + kPage - 1) / kPage * kPage;
  const int device = fake::current_device();
  const std::lock_guard lock(mutex);
  if (used()[device] + size > fake::memory_limit()) return fake::fail(cudaErrorMemoryAllocation);
  void* pages = mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return fake::fail(cudaErrorMemoryAllocation);
  mprotect(static_cast<char*>(pages) + size, size, PROT_READ | PROT_WRITE);
  allocations()[static_cast<char*>(pages)] = {size, device};
  used()[device] += size;
  *address = pages;
  return cudaSuccess;
}

cudaError_t release(void* address) {
  if (!address) return cudaSuccess;
  fake::count("memory cudaFree");
  const std::lock_guard lock(mutex);
  const auto found = allocations().find(static_cast<char*>(address));
  if (found == allocations().end()) return fake::fail(cudaErrorInvalidValue);
  munmap(address, 2 * found->second.size);
  used()[found->second.device] -= found->second.size;
  allocations().erase(found);
  return cudaSuccess;
}

}  // namespace

namespace fake {

void* host(const void* address) {
  const std::lock_guard lock(mutex);
  const auto* entry = allocation_of(address);
  return const_cast<char*>(static_cast<const char*>(address)) + (entry ? entry->second.size : 0);
}

bool on_device(const void* address) {
  const std::lock_guard lock(mutex);
  return allocation_of(address) != nullptr;
}

bool is_pinned(const void* address) {
  const std::lock_guard lock(mutex);
  return find(pinned(), address, [](size_t size) { return size; }) != nullptr;
}

}  // namespace fake

FAKE_API void* fake_cuda_host(const void* address) { return fake::host(address); }

FAKE_API cudaError_t cudaMalloc(void** address, size_t size) { return allocate(address, size); }
FAKE_API cudaError_t cudaMallocAsync(void** address, size_t size, cudaStream_t) { return allocate(address, size); }
FAKE_API cudaError_t cudaFree(void* address) { return release(address); }
FAKE_API cudaError_t cudaFreeAsync(void* address, cudaStream_t) { return release(address); }

FAKE_API cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const std::lock_guard lock(mutex);
  *total = fake::memory_limit();
  *free = *total - used()[fake::current_device()];
  return cudaSuccess;
}

FAKE_API cudaError_t cudaHostAlloc(void** address, size_t size, unsigned) {
  fake::count("memory cudaHostAlloc");
  *address = aligned_alloc(kPage, (size + kPage - 1) / kPage * kPage);
  if (!*address) return fake::fail(cudaErrorMemoryAllocation);
  const std::lock_guard lock(mutex);
  pinned()[static_cast<char*>(*address)] = size;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaFreeHost(void* address) {
  {
    const std::lock_guard lock(mutex);
    pinned().erase(static_cast<char*>(address));
  }
  free(address);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaHostRegister(void* address, size_t size, unsigned) {
  const std::lock_guard lock(mutex);
  pinned()[static_cast<char*>(address)] = size;
  return cudaSuccess;
}

FAKE_API cudaError_t cudaHostUnregister(void* address) {
  const std::lock_guard lock(mutex);
  pinned().erase(static_cast<char*>(address));
  return cudaSuccess;
}

FAKE_API cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
  *attributes = {};
  attributes->device = -1;
  const bool page_locked = fake::is_pinned(address);
  const std::lock_guard lock(mutex);
  if (const auto* entry = allocation_of(address)) {
    attributes->type = cudaMemoryTypeDevice;
    attributes->device = entry->second.device;
    attributes->devicePointer = const_cast<void*>(address);
  } else {
    attributes->type = page_locked ? cudaMemoryTypeHost : cudaMemoryTypeUnregistered;
    attributes->hostPointer = const_cast<void*>(address);
    if (page_locked) attributes->device = 0;
  }
  return cudaSuccess;
}
