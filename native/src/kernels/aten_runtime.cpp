#include "kernels/aten_runtime.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace noether::kernels {

namespace {

constexpr int64_t kKeptScratch = int64_t{64} << 20;

}  // namespace

Runtime aten_runtime(at::Tensor& large) {
  const auto run = [](int threads, void (*task)(int, void*), void* context) {
    at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) task(static_cast<int>(i), context);
    });
  };
  const auto allocate = [](size_t bytes, void* context) -> void* {
    static thread_local at::Tensor kept;
    const int64_t needed = static_cast<int64_t>(bytes) + 64;
    at::Tensor& memory = needed > kKeptScratch ? *static_cast<at::Tensor*>(context) : kept;
    if (!memory.defined() || memory.numel() < needed) memory = at::empty({needed}, at::kByte);
    const auto address = reinterpret_cast<uintptr_t>(memory.data_ptr());
    return reinterpret_cast<void*>((address + 63) / 64 * 64);
  };
  return {at::get_num_threads(), run, allocate, &large};
}

}  // namespace noether::kernels
