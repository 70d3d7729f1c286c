#include "kernels/amx.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdlib>
#include <cstring>

#include "kernels/amx_runtime.h"

#ifdef NOETHER_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace noether::amx {

namespace {

#ifdef NOETHER_AMX
bool detect() {
  const char* wanted = std::getenv("NOETHER_TILE_UNIT");
  if (wanted && std::strcmp(wanted, "0") == 0) return false;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tiles = (d >> 24 & 1U) != 0 && (d >> 22 & 1U) != 0;  // AMX-TILE, AMX-BF16
  // These also ask whether the system saves the registers.
  if (!tiles || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512bf16")) {
    return false;
  }
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#else
bool detect() {
  return false;
}
#endif

constexpr int64_t kKeptScratch = int64_t{64} << 20;

}  // namespace

bool available() {
  static const bool answer = detect();
  return answer;
}

Runtime runtime(at::Tensor& large) {
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

}  // namespace noether::amx
