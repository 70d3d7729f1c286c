#include "amx.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdlib>
#include <cstring>

#include "amx_runtime.h"

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
  const bool vectors =
      (b >> 16 & 1U) != 0 && (b >> 17 & 1U) != 0 && (b >> 30 & 1U) != 0 && (b >> 31 & 1U) != 0;  // AVX512 F, DQ, BW, VL
  if (!tiles || !vectors || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || (a >> 5 & 1U) == 0)
    return false;  // AVX512_BF16
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
