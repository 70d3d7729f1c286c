// Nodes and hooks of the autograd graph whose work is done in JavaScript.
#pragma once

#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <vector>

#include "instance_data.h"
#include "napi/callbacks.h"
#include "node_pointer.h"
#include "runtime/saved_tensor.h"

namespace noether {

// A JavaScript function that is called during backward passes.
class JsCallback {
 public:
  JsCallback(Addon& addon, Napi::Function function);

  // What holds the callback: a node of the graph, or the leaf that has the hook.
  void set_owner(const void* owner) const;

  // Runs `body` where JavaScript runs: here, or on the thread of the environment, which waits for this pass. Throws where neither is.
  void run(const std::function<void()>& body) const;

  // These only inside of run. Throws a JavaScriptError where the function throws.
  Napi::Value call(std::initializer_list<napi_value> arguments) const;

  // Handles for the function, which owns them (0: undefined).
  napi_value give(const at::Tensor& tensor) const;
  napi_value give(const torch::autograd::variable_list& tensors) const;
  // The tensor behind a handle that the function returned.
  at::Tensor take(const Napi::Value& handle) const;

 private:
  Addon& addon_;  // only touched on the environment's thread, while the environment lives
  std::shared_ptr<Callbacks::Ticket> ticket_;
};

// The node of a custom function. `backward(gradients, saved)` gets lists of handles and returns one.
class JsNode final : public torch::autograd::Node {
 public:
  JsNode(std::string name, JsCallback backward);

  std::string name() const override;
  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override;
  void release_variables() override;

  void save(std::vector<SavedTensor> saved);
  const std::vector<SavedTensor>& saved() const { return saved_; }

 private:
  torch::autograd::variable_list saved_now();
  torch::autograd::variable_list call(const torch::autograd::variable_list& gradients,
                                      const torch::autograd::variable_list& saved);

  std::string name_;
  JsCallback backward_;
  std::vector<SavedTensor> saved_;
  bool released_ = false;
};

}  // namespace noether
