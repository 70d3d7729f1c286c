#include "ops/cuda_library.h"

#include <cstdlib>
#include <mutex>

#include "cuda/library.h"
#include "ops/registration.h"

#ifndef _WIN32
#include <dlfcn.h>
#endif

namespace noether {

namespace {

struct CudaLibrary {
  void* handle = nullptr;
  std::string problem = "not looked for yet";
};

CudaLibrary& library() {
  static auto* state = new CudaLibrary();
  return *state;
}

#ifdef _WIN32
std::string open(CudaLibrary&) {
  return "CUDA kernels are built on Linux only";
}
#else
// Beside this addon, whatever the working folder.
std::string path() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&load_cuda_library), &info) == 0 || !info.dli_fname) return kCudaLibraryFile;
  const std::string own = info.dli_fname;
  const size_t slash = own.rfind('/');
  return slash == std::string::npos ? kCudaLibraryFile : own.substr(0, slash + 1) + kCudaLibraryFile;
}

std::string open(CudaLibrary& state) {
  const char* wish = std::getenv("NOETHER_CUDA_KERNELS");
  if (wish && std::string(wish) == "0") return "NOETHER_CUDA_KERNELS=0 is set";
  // Only asked for, not loaded: the library would pull in gigabytes that a CPU process has no use for.
  void* torch_cuda = dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_NOLOAD);
  if (!torch_cuda) return "libtorch_cuda is not loaded";
  dlclose(torch_cuda);
  state.handle = dlopen(path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!state.handle) {
    const char* text = dlerror();
    return text ? text : "cannot open " + path();
  }
  const auto enroll = reinterpret_cast<CudaRegister>(dlsym(state.handle, kCudaRegisterName));
  const char* refusal =
      enroll ? enroll(own_namespace().c_str(), kCudaLibraryVersion) : "it does not export noether_cuda_register";
  if (!refusal) return "";
  state.handle = nullptr;  // stays open: what it has registered must not go away
  return path() + ": " + refusal;
}
#endif

}  // namespace

void load_cuda_library() {
  static std::once_flag once;
  std::call_once(once, [] { library().problem = open(library()); });
}

const std::string& cuda_library_problem() {
  return library().problem;
}

void* cuda_library_symbol(const char* name) {
#ifdef _WIN32
  return nullptr;
#else
  return library().handle ? dlsym(library().handle, name) : nullptr;
#endif
}

}  // namespace noether
