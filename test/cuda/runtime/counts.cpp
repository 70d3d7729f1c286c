// The tally of everything that the runtime was asked for.
#include <cxxabi.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "runtime.h"

namespace {

std::mutex mutex;
thread_local int paused = 0;

// Never destroyed: libtorch calls the runtime until the process has ended.
std::map<std::string, long>& tally() {
  static auto* counts = new std::map<std::string, long>;
  return *counts;
}

// "launch _ZN2at…" -> "launch at::native::…"; other names stay.
std::string readable(const std::string& name) {
  const size_t symbol = name.find("_Z");
  if (symbol == std::string::npos) return name;
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str() + symbol, nullptr, nullptr, &status);
  const std::string result = status == 0 ? name.substr(0, symbol) + text : name;
  std::free(text);
  return result;
}

}  // namespace

namespace fake {

void count(const std::string& what) {
  if (paused) return;
  const std::lock_guard lock(mutex);
  ++tally()[what];
}

}  // namespace fake

// Calls `each` with every name and its count since the last reset.
FAKE_API void fake_cuda_report(void (*each)(void* context, const char* name, long count), void* context, bool reset) {
  std::map<std::string, long> counts;
  {
    const std::lock_guard lock(mutex);
    counts = tally();
    if (reset) tally().clear();
  }
  for (const auto& [name, n] : counts) each(context, readable(name).c_str(), n);
}

FAKE_API void fake_cuda_count(const char* what) { fake::count(what); }

// Between pause(true) and pause(false) nothing of this thread is counted: for copies that stand in for a kernel.
FAKE_API void fake_cuda_pause(bool pause) { paused += pause ? 1 : -1; }
