// Gradients: leaves and their gradients, backward passes.
#include <ATen/FuncTorchTLS.h>
#include <torch/csrc/autograd/autograd.h>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/callbacks.h"
#include "napi/describe.h"
#include "runtime/backward_thread.h"

namespace noether {

namespace {

using torch::autograd::variable_list;

Napi::Array handles_of(Addon& addon, Napi::Env env, const variable_list& tensors) {
  Napi::Array result = Napi::Array::New(env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    result.Set(i, Napi::Number::New(env, tensors[i].defined() ? addon.tensors.put(tensors[i]) : 0));
  }
  return result;
}

variable_list optional_list(const Arguments& arguments, size_t index, const char* name) {
  return arguments.is_missing(index) ? variable_list() : arguments.tensors(index, name, /*allow_none=*/true);
}

template <typename Pass>
void run_pass(Addon& addon, const variable_list& outputs, const Pass& pass) {
  if (addon.backward_thread->is_needed(outputs)) {
    addon.backward_thread->run(pass);
  } else {
    pass();
  }
}

Napi::Value backward(Addon& addon, const Arguments& arguments) {
  const variable_list outputs = arguments.tensors(0, "outputs");
  const variable_list gradients = optional_list(arguments, 1, "gradients");
  const bool retain_graph = arguments.boolean(2, "retainGraph");
  const bool create_graph = arguments.boolean(3, "createGraph");
  const variable_list inputs = optional_list(arguments, 4, "inputs");
  addon.callbacks->reap();
  addon.borrowed.check();
  try {
    run_pass(addon, outputs,
             [&] { torch::autograd::backward(outputs, gradients, retain_graph, create_graph, inputs); });
  } catch (const c10::OutOfMemoryError&) {
    // Some gradients have been added to already, so whoever knows the whole update tries again; with what nobody holds given back.
    addon.make_room(arguments.env());
    throw;
  }
  return arguments.env().Undefined();
}

Napi::Value gradient(Addon& addon, const Arguments& arguments) {
  const variable_list outputs = arguments.tensors(0, "outputs");
  const variable_list inputs = arguments.tensors(1, "inputs");
  const variable_list gradients = optional_list(arguments, 2, "gradients");
  const bool retain_graph = arguments.boolean(3, "retainGraph");
  const bool create_graph = arguments.boolean(4, "createGraph");
  const bool allow_unused = arguments.boolean(5, "allowUnused");
  addon.callbacks->reap();
  addon.borrowed.check();
  variable_list results;
  run_pass(addon, outputs, [&] {
    results = torch::autograd::grad(outputs, inputs, gradients, retain_graph, create_graph, allow_unused);
  });
  return handles_of(addon, arguments.env(), results);
}

Napi::Value run_backward_beside(Addon& addon, const Arguments& arguments) {
  addon.backward_thread->set_always(arguments.boolean(0, "always"));
  return arguments.env().Undefined();
}

Napi::Value requires_grad(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), arguments.tensor(0, "tensor").requires_grad());
}

Napi::Value set_requires_grad(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const bool value = arguments.boolean(1, "requiresGrad");
  if (!tensor.is_leaf() && !value) {
    fail("ERR_AUTOGRAD", "only leaf tensors can stop requiring gradients: use detach()");
  }
  const auto& transforms = at::functorch::functorchTLSAccessor();
  if (transforms) transforms->checkSupportsInplaceRequiresGrad();
  tensor.requires_grad_(value);
  return arguments.env().Undefined();
}

Napi::Value is_leaf(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), arguments.tensor(0, "tensor").is_leaf());
}

Napi::Value retain_grad(Addon&, const Arguments& arguments) {
  const auto& transforms = at::functorch::functorchTLSAccessor();
  if (transforms) transforms->checkSupportsRetainGrad();
  arguments.tensor(0, "tensor").retain_grad();
  return arguments.env().Undefined();
}

Napi::Value gradient_function(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const auto& node = tensor.grad_fn();
  if (!node) return arguments.env().Null();
  return Napi::String::New(arguments.env(), node->name());
}

Napi::Value grad(Addon& addon, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const at::Tensor& value = tensor.is_leaf() || tensor.retains_grad() ? tensor.grad() : at::Tensor();
  return Napi::Number::New(arguments.env(), value.defined() ? addon.tensors.put(value) : 0);
}

Napi::Value set_grad(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const at::Tensor value = arguments.optional_tensor(1, "grad");
  if (value.defined() && !value.sizes().equals(tensor.sizes())) {
    fail("ERR_VALUE", "expected a gradient of the tensor's shape, " + describe(tensor) + ", got " + describe(value));
  }
  tensor.mutable_grad() = value;
  return arguments.env().Undefined();
}

Napi::Value grads(Addon& addon, const Arguments& arguments) {
  const std::vector<double> handles = arguments.handles(0, "tensors");
  Napi::Float64Array result = Napi::Float64Array::New(arguments.env(), handles.size());
  for (size_t i = 0; i < handles.size(); ++i) {
    const at::Tensor value = addon.tensors.get(handles[i]).grad();
    result[i] = value.defined() ? addon.tensors.put(value) : 0;
  }
  return result;
}

Napi::Value zero_grads(Addon& addon, const Arguments& arguments) {
  const bool set_to_none = arguments.boolean(1, "setToNone");
  addon.borrowed.check();
  const at::NoGradGuard no_grad;
  for (const double handle : arguments.handles(0, "tensors")) {
    at::Tensor& value = addon.tensors.get(handle).mutable_grad();
    if (!value.defined()) continue;
    if (set_to_none) {
      value.reset();
    } else {
      if (value.grad_fn()) value.detach_();
      value.zero_();
    }
  }
  return arguments.env().Undefined();
}

Napi::Value version(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  if (tensor.is_inference()) fail("ERR_AUTOGRAD", "inference tensors do not count their changes");
  return Napi::Number::New(arguments.env(), static_cast<double>(tensor._version()));
}

Napi::Value is_inference(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), arguments.tensor(0, "tensor").is_inference());
}

}  // namespace

void export_autograd(Napi::Env, Napi::Object exports) {
  define<backward>(exports, "backward");
  define<gradient>(exports, "gradient");
  define<run_backward_beside>(exports, "runBackwardBeside");
  define<requires_grad>(exports, "requiresGrad");
  define<set_requires_grad>(exports, "setRequiresGrad");
  define<is_leaf>(exports, "isLeaf");
  define<retain_grad>(exports, "retainGrad");
  define<gradient_function>(exports, "gradFunction");
  define<grad>(exports, "grad");
  define<set_grad>(exports, "setGrad");
  define<grads>(exports, "grads");
  define<zero_grads>(exports, "zeroGrads");
  define<version>(exports, "version");
  define<is_inference>(exports, "isInference");
}

}  // namespace noether
