#include "graphs.h"

#include <ATen/ATen.h>

#include <map>
#include <mutex>
#include <vector>

#include "runtime.h"

namespace fake {
namespace {

using Stack = torch::jit::Stack;

struct Call {
  c10::OperatorHandle op;
  Stack inputs, results;
  Compute compute;
};

std::mutex mutex;
std::map<unsigned long long, std::vector<Call>> recorded;

unsigned long long capture() {
  static auto* const current = function<unsigned long long()>("fake_cuda_capture");
  return current ? current() : 0;
}

// A tensor over the same memory: the original may change its shape, and autograd asks who holds it.
at::Tensor same_memory(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  const auto& impl = tensor.unsafeGetTensorImpl();
  return at::Tensor(impl->shallow_copy_and_detach(c10::VariableVersion(0), /*allow_tensor_metadata_change=*/true));
}

c10::IValue held(const c10::IValue& value) {
  if (value.isTensor()) return same_memory(value.toTensor());
  if (value.isTensorList()) {
    std::vector<at::Tensor> tensors;
    for (const at::Tensor& tensor : value.toTensorVector()) tensors.push_back(same_memory(tensor));
    return tensors;
  }
  if (value.isList()) {
    auto entries = c10::impl::GenericList(value.toList().elementType());
    for (const c10::IValue& entry : value.toListRef()) entries.push_back(held(entry));
    return entries;
  }
  return value;
}

Stack held(const Stack& values) {
  Stack copies;
  for (const c10::IValue& value : values) copies.push_back(held(value));
  return copies;
}

void launch(unsigned long long graph) {
  std::vector<Call> calls;
  {
    const std::lock_guard lock(mutex);
    calls = recorded[graph];
  }
  for (Call& call : calls) call.compute(call.op, call.inputs, call.results);
}

}  // namespace

bool recording() { return capture() != 0; }

void note(const c10::OperatorHandle& op, const Stack& inputs, const Stack& results, Compute compute) {
  static const bool heard = [] {
    function<void(void (*)(unsigned long long))>("fake_cuda_on_launch")(&launch);
    return true;
  }();
  (void)heard;
  const std::lock_guard lock(mutex);
  recorded[capture()].push_back({op, held(inputs), held(results), compute});
}

}  // namespace fake
