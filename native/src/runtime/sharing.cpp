// Tensors that worker threads share without a copy: parked under a ticket in a process-wide table, taken
// out on the other side. Tensors are reference-counted across threads; handles are not shared.
#include <c10/core/InferenceMode.h>

#include <mutex>
#include <random>
#include <unordered_map>

#include "exports.h"
#include "napi/arguments.h"

namespace noether {

namespace {

struct Entry {
  at::Tensor tensor;
  // Who parked it: a number that the thread chose.
  int64_t owner;
};

struct Parked {
  std::mutex mutex;
  std::unordered_map<uint64_t, Entry> tensors;
  // A ticket of another copy of the addon must not fit here.
  uint64_t next_ticket = (uint64_t{std::random_device()()} << 20) + 1;
};

// Never destroyed: tensors that nobody adopted must not end after libtorch's own static objects.
Parked& parked() {
  static auto* table = new Parked();
  return *table;
}

// The tensor for another thread: itself, or a leaf with copies of what is JavaScript's memory (of the data, of the
// gradient), which ends with its environment.
at::Tensor portable(const at::Tensor& tensor) {
  if (tensor.requires_grad() && !tensor.is_leaf()) {
    fail("ERR_AUTOGRAD", "a tensor with a graph cannot go to another thread: detach() it first");
  }
  const at::Tensor grad = tensor.is_leaf() ? tensor.grad() : at::Tensor();
  const at::Tensor portable_grad = grad.defined() ? portable(grad) : grad;
  const bool copied = touches_borrowed(tensor);
  if (!copied && portable_grad.is_same(grad)) return tensor;
  const c10::InferenceMode mode(tensor.is_inference());
  const at::Tensor data = tensor.detach();
  at::Tensor leaf = copied ? data.clone() : data;
  if (tensor.requires_grad()) leaf.requires_grad_();
  if (portable_grad.defined()) leaf.mutable_grad() = portable_grad;
  return leaf;
}

Napi::Value park(Addon&, const Arguments& arguments) {
  at::Tensor tensor = portable(arguments.tensor(0, "tensor"));
  const int64_t owner = arguments.is_missing(1) ? 0 : arguments.integer(1, "owner");
  const std::lock_guard<std::mutex> lock(parked().mutex);
  const uint64_t ticket = parked().next_ticket++;
  parked().tensors.emplace(ticket, Entry{std::move(tensor), owner});
  return Napi::Number::New(arguments.env(), static_cast<double>(ticket));
}

Napi::Value adopt(Addon& addon, const Arguments& arguments) {
  const int64_t ticket = arguments.integer(0, "ticket");
  at::Tensor tensor;
  {
    const std::lock_guard<std::mutex> lock(parked().mutex);
    const auto found = parked().tensors.find(static_cast<uint64_t>(ticket));
    if (found == parked().tensors.end()) {
      fail("ERR_TICKET", "no tensor waits under ticket " + std::to_string(ticket) +
                             ": each can be adopted once, by the copy of noether-ts that parked it");
    }
    tensor = std::move(found->second.tensor);
    parked().tensors.erase(found);
  }
  return Napi::Number::New(arguments.env(), addon.tensors.put(std::move(tensor)));
}

// Frees what an owner that has ended parked and nobody will adopt.
Napi::Value abandon(Addon&, const Arguments& arguments) {
  const int64_t owner = arguments.integer(0, "owner");
  std::vector<at::Tensor> freed;  // outside of the lock
  {
    const std::lock_guard<std::mutex> lock(parked().mutex);
    auto& tensors = parked().tensors;
    for (auto entry = tensors.begin(); entry != tensors.end();) {
      if (entry->second.owner != owner) {
        ++entry;
        continue;
      }
      freed.push_back(std::move(entry->second.tensor));
      entry = tensors.erase(entry);
    }
  }
  return Napi::Number::New(arguments.env(), static_cast<double>(freed.size()));
}

}  // namespace

void export_sharing(Napi::Env, Napi::Object exports) {
  define<park>(exports, "park");
  define<adopt>(exports, "adopt");
  define<abandon>(exports, "abandon");
}

}  // namespace noether
