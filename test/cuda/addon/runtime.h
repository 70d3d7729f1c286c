// What the addon asks of the fake runtime, which is preloaded, not linked; with a GPU it is not there.
#pragma once
#include <dlfcn.h>

namespace fake {

template <typename Function>
Function* function(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

inline bool present() { return dlsym(RTLD_DEFAULT, "fake_cuda_report") != nullptr; }

// The host memory behind a device address.
inline void* host(const void* address) {
  static auto* const call = function<void*(const void*)>("fake_cuda_host");
  return call(address);
}

inline void count(const char* what) {
  static auto* const call = function<void(const char*)>("fake_cuda_count");
  call(what);
}

// While one lives nothing of this thread is counted.
class Uncounted {
 public:
  Uncounted() { pause(true); }
  ~Uncounted() { pause(false); }
  Uncounted(const Uncounted&) = delete;

 private:
  static void pause(bool on) {
    static auto* const call = function<void(bool)>("fake_cuda_pause");
    call(on);
  }
};

}  // namespace fake
