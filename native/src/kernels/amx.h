// Intel's tile unit (AMX): whether it is there, and what its kernels are given to run with.
//
// The kernels' files include no torch headers: inline functions of those, compiled for this instruction set, could end
// up in the whole addon.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define NOETHER_AMX 1
#endif

namespace noether::amx {

// What a kernel's caller provides: threads and memory.
struct Runtime {
  int threads;
  // Calls task(index, context) for index 0 … threads - 1.
  void (*run)(int threads, void (*task)(int index, void* context), void* context);
  // Memory of at least `bytes`, aligned to 64, that lives until the call returns.
  void* (*allocate)(size_t bytes, void* context);
  void* allocate_context;
};

// Whether this machine has what the kernels need; asks the system once for the permission to use the tile unit.
// NOETHER_TILE_UNIT=0 in the environment says no.
bool available();

}  // namespace noether::amx
