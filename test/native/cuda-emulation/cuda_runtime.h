// Device code on the CPU: each thread of a block is a coroutine, and the lanes of a warp meet where they exchange
// values. What a GPU leaves undefined ends the program here: lanes that miss an exchange, or meet at different ones.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "cuda_runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static
#define __grid_constant__

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};
inline Dim3 threadIdx, blockIdx, blockDim, gridDim;

using std::fmax;
using std::fmin;
using std::isfinite;

namespace emulation {

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "undefined on a GPU: %s\n", what);
  std::abort();
}

constexpr size_t kStack = 64 * 1024;

struct Meeting {
  int arrived = 0, kind = 0;
  uint64_t generation = 0;
  uint64_t deposits[1024], results[1024];
};

// Begins as a context of the system, goes on by jumps, which are no system calls.
struct Thread {
  ucontext_t context;
  jmp_buf place;
  bool begun = false;
  std::vector<char> stack = std::vector<char>(kStack);
  bool done = false;
};

struct Block {
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<Meeting> warps;
  Meeting all;
  jmp_buf scheduler;
  int current = 0, alive = 0;
  const std::function<void()>* body = nullptr;
};
inline Block* block = nullptr;

inline void yield() {
  if (_setjmp(block->threads[block->current]->place) == 0) _longjmp(block->scheduler, 1);
}

inline void resume(Thread& thread) {
  if (_setjmp(block->scheduler) != 0) return;
  if (thread.begun) _longjmp(thread.place, 1);
  thread.begun = true;
  setcontext(&thread.context);
}

inline void meet(Meeting& meeting, int place, int members, int kind, uint64_t value) {
  if (meeting.arrived == 0) meeting.kind = kind;
  if (meeting.kind != kind) fail("threads meet at different exchanges");
  meeting.deposits[place] = value;
  if (++meeting.arrived == members) {
    meeting.arrived = 0;
    std::copy_n(meeting.deposits, members, meeting.results);
    ++meeting.generation;
    return;
  }
  for (const uint64_t before = meeting.generation; meeting.generation == before;) yield();
}

template <typename T>
uint64_t pack(T value) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <typename T>
T unpack(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

inline int lane() {
  return block->current % 32;
}

// All lanes give a value; what each gave.
inline const uint64_t* exchange(unsigned mask, int kind, uint64_t value) {
  if (mask != 0xffffffffu) fail("an exchange of a part of a warp");
  Meeting& warp = block->warps[block->current / 32];
  meet(warp, lane(), 32, kind, value);
  return warp.results;
}

inline void run_thread() {
  (*block->body)();
  block->threads[block->current]->done = true;
  --block->alive;
  _longjmp(block->scheduler, 1);
}

inline void run_block(int threads, const std::function<void()>& body) {
  if (!block) block = new Block();
  block->body = &body;
  block->alive = threads;
  block->warps.assign((threads + 31) / 32, Meeting());
  block->all = Meeting();
  while (static_cast<int>(block->threads.size()) < threads) block->threads.push_back(std::make_unique<Thread>());
  for (int t = 0; t < threads; ++t) {
    Thread& thread = *block->threads[t];
    thread.done = thread.begun = false;
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.data();
    thread.context.uc_stack.ss_size = kStack;
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, run_thread, 0);
  }
  while (block->alive > 0) {
    const auto progress = [&] {
      uint64_t sum = block->all.generation + block->all.arrived - static_cast<uint64_t>(block->alive);
      for (const Meeting& warp : block->warps) sum += warp.generation * 64 + warp.arrived;
      return sum;
    };
    const uint64_t before = progress();
    for (int t = 0; t < threads; ++t) {
      if (block->threads[t]->done) continue;
      block->current = t;
      threadIdx.x = static_cast<unsigned>(t);
      resume(*block->threads[t]);
    }
    if (progress() == before) fail("lanes wait for others that never come");
  }
}

}  // namespace emulation

namespace noether::cuda {

template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, int threads, cudaStream_t, Arguments... arguments) {
  gridDim.x = static_cast<unsigned>(blocks);
  blockDim.x = static_cast<unsigned>(threads);
  const std::function<void()> body = [&] { kernel(static_cast<Parameters>(arguments)...); };
  for (int64_t b = 0; b < blocks; ++b) {
    blockIdx.x = static_cast<unsigned>(b);
    emulation::run_block(threads, body);
  }
  return cudaSuccess;
}

}  // namespace noether::cuda

template <typename T>
T __shfl_sync(unsigned mask, T value, int source) {
  return emulation::unpack<T>(emulation::exchange(mask, 1, emulation::pack(value))[source & 31]);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, int delta) {
  const uint64_t* values = emulation::exchange(mask, 2, emulation::pack(value));
  return emulation::lane() < delta ? value : emulation::unpack<T>(values[emulation::lane() - delta]);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits) {
  return emulation::unpack<T>(emulation::exchange(mask, 3, emulation::pack(value))[emulation::lane() ^ bits]);
}
inline unsigned __ballot_sync(unsigned mask, bool value) {
  const uint64_t* values = emulation::exchange(mask, 4, value);
  unsigned result = 0;
  for (int l = 0; l < 32; ++l) result |= static_cast<unsigned>(values[l]) << l;
  return result;
}
inline void __syncwarp() {
  emulation::exchange(0xffffffffu, 5, 0);
}
inline void __syncthreads() {
  emulation::meet(emulation::block->all, emulation::block->current, static_cast<int>(blockDim.x), 6, 0);
}

inline int __ffs(int bits) {
  return __builtin_ffs(bits);
}
inline int __popc(unsigned bits) {
  return __builtin_popcount(bits);
}

inline unsigned long long atomicMax(unsigned long long* at, unsigned long long value) {
  const unsigned long long before = *at;
  *at = std::max(before, value);
  return before;
}
inline int atomicOr(int* at, int value) {
  const int before = *at;
  *at |= value;
  return before;
}

// Compiled with -ffp-contract=off.
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fsqrt_rn(float a) {
  return std::sqrt(a);
}
inline double __dsub_rn(double a, double b) {
  return a - b;
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline double __dsqrt_rn(double a) {
  return std::sqrt(a);
}
inline float rsqrtf(float a) {
  return 1.0F / std::sqrt(a);
}
inline unsigned __float_as_uint(float a) {
  return emulation::unpack<unsigned>(emulation::pack(a));
}
inline long long __double_as_longlong(double a) {
  return emulation::unpack<long long>(emulation::pack(a));
}
inline double __longlong_as_double(long long a) {
  return emulation::unpack<double>(emulation::pack(a));
}
