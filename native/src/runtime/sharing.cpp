// Tensors that worker threads share without a copy: parked under a ticket in a process-wide table, taken
// out on the other side. Tensors are reference-counted across threads; handles are not shared.
#include <mutex>
#include <unordered_map>

#include "exports.h"
#include "napi/arguments.h"
#include "runtime/tensor.h"

namespace noether {

namespace {

struct Parked {
  std::mutex mutex;
  std::unordered_map<uint64_t, at::Tensor> tensors;
  uint64_t next_ticket = 1;
};

// Never destroyed: tensors that nobody adopted must not end after libtorch's own static objects.
Parked& parked() {
  static auto* table = new Parked();
  return *table;
}

Napi::Value park(Addon&, const Arguments& arguments) {
  at::Tensor tensor = arguments.tensor(0, "tensor");
  if (tensor.requires_grad() && !tensor.is_leaf()) {
    fail("ERR_AUTOGRAD", "a tensor with a graph cannot go to another thread: detach() it first");
  }
  // The memory of an ArrayBuffer ends with its environment.
  if (is_javascript_memory(tensor)) tensor = tensor.clone();
  const std::lock_guard<std::mutex> lock(parked().mutex);
  const uint64_t ticket = parked().next_ticket++;
  parked().tensors.emplace(ticket, std::move(tensor));
  return Napi::Number::New(arguments.env(), static_cast<double>(ticket));
}

Napi::Value adopt(Addon& addon, const Arguments& arguments) {
  const int64_t ticket = arguments.integer(0, "ticket");
  at::Tensor tensor;
  {
    const std::lock_guard<std::mutex> lock(parked().mutex);
    const auto found = parked().tensors.find(static_cast<uint64_t>(ticket));
    if (found == parked().tensors.end()) {
      fail("ERR_TICKET", "no tensor waits under ticket " + std::to_string(ticket) + ": each can be adopted once");
    }
    tensor = std::move(found->second);
    parked().tensors.erase(found);
  }
  return Napi::Number::New(arguments.env(), addon.tensors.put(std::move(tensor)));
}

}  // namespace

void export_sharing(Napi::Env, Napi::Object exports) {
  define<park>(exports, "park");
  define<adopt>(exports, "adopt");
}

}  // namespace noether
