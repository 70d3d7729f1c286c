// A tensor that a function keeps for its backward.
#pragma once

#include "node_pointer.h"
#include "torch_setup.h"

namespace noether {

// Holds the data as it was, with the tensor's place in the graph, but not the tensor itself: a change of the tensor's
// shape or memory does not reach what was saved, and an output does not keep the node alive that keeps the output.
class SavedTensor {
 public:
  // Of an input or an intermediate result.
  explicit SavedTensor(const at::Tensor& tensor);
  // Of the tensor that the node gives as its result number `output`.
  static SavedTensor of_output(const at::Tensor& tensor, uint32_t output);

  // `node`: the one that saved it. Throws ERR_AUTOGRAD when the data was overwritten since.
  at::Tensor unpack(const NodePointer& node) const;

  // The node that made the tensor, if any.
  const NodePointer& history() const { return edge_.function; }

 private:
  void check_version() const;

  at::Tensor data_;
  c10::weak_intrusive_ptr<c10::TensorImpl> original_;
  uint32_t version_ = 0;
  bool requires_grad_ = false;
  bool is_leaf_ = true;
  bool is_output_ = false;
  torch::autograd::Edge edge_;
};

}  // namespace noether
