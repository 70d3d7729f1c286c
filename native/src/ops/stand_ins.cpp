#include "ops/stand_ins.h"

#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/TensorWrapper.h>

#include "napi/errors.h"

namespace noether {

bool is_stand_in(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet kKeys({c10::DispatchKey::FuncTorchBatched, c10::DispatchKey::BatchedNestedTensor,
                                       c10::DispatchKey::FuncTorchGradWrapper});
  return tensor.key_set().has_any(kKeys);
}

at::Tensor with_values(const at::Tensor& tensor) {
  at::Tensor inner = tensor;
  while (is_stand_in(inner)) {
    const auto* wrapper = at::functorch::maybeGetTensorWrapper(inner);
    if (!wrapper) {
      fail("ERR_TRANSFORM",
           "expected a tensor with values, got one that stands for every entry of a batch inside of vmap: stay with "
           "operators (torch.where in place of if), or return it from vmap");
    }
    // a copy first: the wrapper is what holds it
    at::Tensor value = wrapper->value();
    inner = std::move(value);
  }
  return inner;
}

}  // namespace noether
