// Tensors that stand for others inside of vmap, grad and jvp.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

namespace noether {

// Whether it is one.
bool is_stand_in(const at::Tensor& tensor);

// The tensor whose values it has. Throws ERR_TRANSFORM for one that stands for every entry of a batch.
at::Tensor with_values(const at::Tensor& tensor);

// While it lives, operators compute on values as they do outside of every level: what they make stands for nothing else.
struct OutsideTransforms {
  c10::impl::ExcludeDispatchKeyGuard guard{c10::DispatchKeySet(
      {c10::DispatchKey::FuncTorchDynamicLayerFrontMode, c10::DispatchKey::FuncTorchDynamicLayerBackMode})};
};

}  // namespace noether
