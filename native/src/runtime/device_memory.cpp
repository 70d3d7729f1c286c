#include "runtime/device_memory.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/core/CachingHostAllocator.h>

#include "exports.h"
#include "napi/arguments.h"
#include "runtime/devices.h"

namespace noether {

namespace {

using c10::CachingAllocator::StatArray;
using c10::CachingDeviceAllocator::DeviceStats;

// Null where the device's allocator keeps no statistics.
c10::DeviceAllocator* allocator_of(at::DeviceType type) {
  auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(type));
  return allocator && allocator->initialized() ? allocator : nullptr;
}

c10::DeviceAllocator& allocator_argument(const Arguments& arguments, at::Device& device) {
  device = accelerator(arguments, 0, "device");
  c10::DeviceAllocator* allocator = allocator_of(device.type());
  if (!allocator) fail("ERR_NOT_IMPLEMENTED", "the allocator of " + device.str() + " keeps no statistics");
  return *allocator;
}

// For each of the pools "all", "small_pool", "large_pool": what is, the most, what came in all, what went in all.
Napi::Value pools(Napi::Env env, const StatArray& stats) {
  Napi::Array result = Napi::Array::New(env, stats.size());
  for (uint32_t pool = 0; pool < stats.size(); ++pool) {
    const auto& stat = stats[pool];
    Napi::Array values = Napi::Array::New(env, 4);
    uint32_t place = 0;
    for (const int64_t value : {stat.current, stat.peak, stat.allocated, stat.freed}) {
      values.Set(place++, Napi::Number::New(env, static_cast<double>(value)));
    }
    result.Set(pool, values);
  }
  return result;
}

Napi::Value memory_stats(Addon&, const Arguments& arguments) {
  at::Device device(at::kCPU);
  const DeviceStats stats = allocator_argument(arguments, device).getDeviceStats(device.index());
  const Napi::Env env = arguments.env();
  Napi::Object by_pool = Napi::Object::New(env);
  by_pool.Set("allocation", pools(env, stats.allocation));
  by_pool.Set("segment", pools(env, stats.segment));
  by_pool.Set("active", pools(env, stats.active));
  by_pool.Set("inactive_split", pools(env, stats.inactive_split));
  by_pool.Set("allocated_bytes", pools(env, stats.allocated_bytes));
  by_pool.Set("reserved_bytes", pools(env, stats.reserved_bytes));
  by_pool.Set("active_bytes", pools(env, stats.active_bytes));
  by_pool.Set("inactive_split_bytes", pools(env, stats.inactive_split_bytes));
  by_pool.Set("requested_bytes", pools(env, stats.requested_bytes));
  Napi::Object counts = Napi::Object::New(env);
  counts.Set("num_alloc_retries", static_cast<double>(stats.num_alloc_retries));
  counts.Set("num_ooms", static_cast<double>(stats.num_ooms));
  counts.Set("num_sync_all_streams", static_cast<double>(stats.num_sync_all_streams));
  counts.Set("num_device_alloc", static_cast<double>(stats.num_device_alloc));
  counts.Set("num_device_free", static_cast<double>(stats.num_device_free));
  counts.Set("max_split_size", static_cast<double>(stats.max_split_size));
  Napi::Object result = Napi::Object::New(env);
  result.Set("pools", by_pool);
  result.Set("counts", counts);
  return result;
}

Napi::Value reset_peak(Addon&, const Arguments& arguments) {
  at::Device device(at::kCPU);
  allocator_argument(arguments, device).resetPeakStats(device.index());
  return arguments.env().Undefined();
}

Napi::Value reset_accumulated(Addon&, const Arguments& arguments) {
  at::Device device(at::kCPU);
  allocator_argument(arguments, device).resetAccumulatedStats(device.index());
  return arguments.env().Undefined();
}

Napi::Value memory_info(Addon&, const Arguments& arguments) {
  at::Device device(at::kCPU);
  const auto [free, total] = allocator_argument(arguments, device).getMemoryInfo(device.index());
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("free", static_cast<double>(free));
  result.Set("total", static_cast<double>(total));
  return result;
}

}  // namespace

int64_t device_bytes() {
  const auto type = at::accelerator::getAccelerator(/*checked=*/false);
  c10::DeviceAllocator* allocator = type ? allocator_of(*type) : nullptr;
  if (!allocator) return 0;
  constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  int64_t bytes = 0;
  const int count = at::accelerator::deviceCount();
  for (int index = 0; index < count; ++index) {
    bytes += allocator->getDeviceStats(static_cast<c10::DeviceIndex>(index)).allocated_bytes[kAll].current;
  }
  return bytes;
}

void empty_device_caches() {
  const auto type = at::accelerator::getAccelerator(/*checked=*/false);
  if (!type) return;
  c10::DeviceAllocator* allocator = allocator_of(*type);
  if (!allocator) return;
  allocator->emptyCache();
  if (*type == at::kCUDA) at::getHostAllocator(*type)->empty_cache();
}

void export_device_memory(Napi::Env, Napi::Object exports) {
  define<memory_stats>(exports, "deviceMemoryStats");
  define<reset_peak>(exports, "resetPeakDeviceMemory");
  define<reset_accumulated>(exports, "resetAccumulatedDeviceMemory");
  define<memory_info>(exports, "deviceMemoryInfo");
}

}  // namespace noether
