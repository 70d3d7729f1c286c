#include "cuda/registration.h"

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/library.h"

namespace noether::cuda {
namespace {

struct Noted {
  void (*run)(torch::Library&);
  const char* file;
  int line;
  bool defines;
};

std::vector<Noted>& notes() {
  static std::vector<Noted> list;
  return list;
}

// Neither is ever destroyed: the dispatcher may call them for as long as the process lives.
struct Registered {
  std::mutex mutex;
  std::deque<torch::Library> libraries;
  std::deque<std::string> messages;
};

Registered& registered() {
  static auto* state = new Registered();
  return *state;
}

}  // namespace

Note::Note(void (*run)(torch::Library&), const char* file, int line, bool defines) {
  notes().push_back({run, file, line, defines});
}

}  // namespace noether::cuda

extern "C" __attribute__((visibility("default"))) const char* noether_cuda_register(const char* operator_namespace,
                                                                                    int version) {
  using namespace noether::cuda;
  Registered& state = registered();
  const std::lock_guard<std::mutex> lock(state.mutex);
  try {
    if (version != noether::kCudaLibraryVersion) {
      state.messages.push_back("it has version " + std::to_string(noether::kCudaLibraryVersion) +
                               ", the addon expects " + std::to_string(version) + ": build both again");
      return state.messages.back().c_str();
    }
    for (const Noted& noted : notes()) {
      const auto kind = noted.defines ? torch::Library::FRAGMENT : torch::Library::IMPL;
      const auto key = noted.defines ? std::nullopt : std::make_optional(c10::DispatchKey::CUDA);
      state.libraries.emplace_back(kind, operator_namespace, key, noted.file, noted.line);
      noted.run(state.libraries.back());
    }
    return nullptr;
  } catch (const std::exception& error) {
    state.messages.emplace_back(error.what());
    return state.messages.back().c_str();
  }
}
