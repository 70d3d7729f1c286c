// Nodes of the autograd graph are held by one kind of pointer or another, depending on the version of libtorch.
#pragma once

#include <torch/csrc/autograd/function.h>

#include <memory>
#include <type_traits>

namespace noether {

using NodePointer = decltype(torch::autograd::Edge::function);

// Takes over a new node. A template, as the other below, so that only the branch that exists in this version of
// libtorch is looked up.
template <typename Target, typename Pointer = NodePointer>
Pointer held(Target* node) {
  if constexpr (std::is_same_v<Pointer, std::shared_ptr<torch::autograd::Node>>) {
    return Pointer(node, [](Target* dead) { deleteNode(dead); });
  } else {
    return Pointer::unsafe_steal_from_new(node);
  }
}

template <typename Pointer>
auto weak(const Pointer& node) {
  if constexpr (std::is_same_v<Pointer, std::shared_ptr<torch::autograd::Node>>) {
    return std::weak_ptr<typename Pointer::element_type>(node);
  } else {
    return c10::weak_intrusive_ptr<typename Pointer::element_type>(node);
  }
}

}  // namespace noether
