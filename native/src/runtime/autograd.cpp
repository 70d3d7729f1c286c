// Gradients: leaves and their gradients, backward passes, hooks and functions whose backward is JavaScript.
//
// A backward pass over CPU tensors runs its nodes on the thread that asked for it, so JavaScript can be called from
// them directly. Nodes on other devices run on threads of the autograd engine, where it can not: there a JavaScript
// node fails with a clear error.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/callbacks.h"
#include "napi/describe.h"

namespace noether {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A JavaScript function called during a backward pass.
class JsCallback {
 public:
  JsCallback(Addon& addon, Napi::Function function) : addon_(addon), ticket_(addon.callbacks->keep(function)) {}

  // Calls the function with handles of `gradients` (0: undefined), which it owns; `read` takes over what it returns.
  template <typename Read>
  void call(const variable_list& gradients, bool as_list, Read read) const {
    const std::shared_ptr<Callbacks> callbacks = ticket_->owner();
    if (!callbacks) fail("ERR_AUTOGRAD", "the worker thread that defined this function or hook has ended");
    if (!callbacks->on_own_thread()) {
      fail("ERR_AUTOGRAD",
           "functions and hooks written in JavaScript run in backward passes over CPU tensors, and only on the thread "
           "that made them");
    }
    const Napi::Env env = callbacks->env();
    const Napi::HandleScope scope(env);
    const auto handle_of = [&](const at::Tensor& gradient) {
      return Napi::Number::New(env, gradient.defined() ? addon_.tensors.put(gradient) : 0);
    };
    napi_value argument;
    if (as_list) {
      Napi::Array list = Napi::Array::New(env, gradients.size());
      for (uint32_t i = 0; i < gradients.size(); ++i) list.Set(i, handle_of(gradients[i]));
      argument = list;
    } else {
      argument = handle_of(gradients[0]);
    }
    napi_value returned;
    const napi_value function = callbacks->value(ticket_->id());
    if (napi_call_function(env, env.Undefined(), function, 1, &argument, &returned) != napi_ok) {
      // The engine knows C++ exceptions only; what JavaScript threw is rethrown when the pass has ended.
      callbacks->store_pending_exception();
      throw std::runtime_error("a function or hook written in JavaScript threw");
    }
    read(Napi::Value(env, returned));
  }

  at::Tensor take(const Napi::Value& handle) const {
    if (handle.IsUndefined() || handle.IsNull()) return at::Tensor();
    if (!handle.IsNumber()) fail("ERR_AUTOGRAD", "internal: expected a handle from a backward function");
    const double number = handle.As<Napi::Number>().DoubleValue();
    return number == 0 ? at::Tensor() : addon_.tensors.take(number);
  }

 private:
  Addon& addon_;  // only touched on the environment's thread, while the environment lives
  std::shared_ptr<Callbacks::Ticket> ticket_;
};

struct FunctionData : torch::CustomClassHolder {
  FunctionData(std::string name, JsCallback callback) : name(std::move(name)), callback(std::move(callback)) {}
  std::string name;
  JsCallback callback;
};

// Outputs travel in a struct of their own, so that they do not count as inputs of the function.
struct Computed {
  variable_list outputs;
  c10::intrusive_ptr<FunctionData> data;
};

struct JsFunction : torch::autograd::Function<JsFunction> {
  static variable_list forward(AutogradContext* context, at::TensorList, const Computed& computed) {
    context->set_materialize_grads(false);
    context->saved_data["function"] = at::IValue::make_capsule(computed.data);
    return computed.outputs;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto data = c10::static_intrusive_pointer_cast<FunctionData>(context->saved_data.at("function").toCapsule());
    variable_list results;
    data->callback.call(gradients, /*as_list=*/true, [&](const Napi::Value& returned) {
      if (!returned.IsArray()) fail("ERR_AUTOGRAD", "internal: expected an array from " + data->name + ".backward");
      const auto list = returned.As<Napi::Array>();
      for (uint32_t i = 0; i < list.Length(); ++i) results.push_back(data->callback.take(list.Get(i)));
    });
    results.emplace_back();  // for the `Computed` argument
    return results;
  }
};

Napi::Array handles_of(Addon& addon, Napi::Env env, const variable_list& tensors) {
  Napi::Array result = Napi::Array::New(env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    result.Set(i, Napi::Number::New(env, tensors[i].defined() ? addon.tensors.put(tensors[i]) : 0));
  }
  return result;
}

Napi::Value attach_function(Addon& addon, const Arguments& arguments) {
  std::string name = arguments.string(0, "name");
  const variable_list outputs = arguments.tensors(1, "outputs");
  const variable_list inputs = arguments.tensors(2, "inputs");
  auto data = c10::make_intrusive<FunctionData>(std::move(name), JsCallback(addon, arguments.function(3, "backward")));
  const at::TensorList input_list(inputs);
  for (const at::Tensor& output : outputs) {
    for (const at::Tensor& input : inputs) {
      if (output.is_same(input)) fail("ERR_AUTOGRAD", "an output of a function is its own input: return a view of it");
    }
  }
  // The outputs themselves get the node as their history.
  JsFunction::apply(input_list, Computed{outputs, std::move(data)});
  return arguments.env().Undefined();
}

Napi::Value register_hook(Addon& addon, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const auto callback = std::make_shared<JsCallback>(addon, arguments.function(1, "hook"));
  const unsigned id = tensor.register_hook([callback](const at::Tensor& gradient) -> at::Tensor {
    at::Tensor replaced;
    callback->call({gradient}, /*as_list=*/false,
                   [&](const Napi::Value& returned) { replaced = callback->take(returned); });
    return replaced;
  });
  return Napi::Number::New(arguments.env(), id);
}

Napi::Value remove_hook(Addon&, const Arguments& arguments) {
  arguments.tensor(0, "tensor").remove_hook(static_cast<unsigned>(arguments.integer(1, "id")));
  return arguments.env().Undefined();
}

// Runs a backward pass; an error thrown by JavaScript inside it comes out as it was thrown.
template <typename Pass>
auto run_pass(Addon& addon, Pass pass) -> decltype(pass()) {
  addon.callbacks->reap();
  try {
    return pass();
  } catch (...) {
    if (addon.callbacks->has_error()) throw addon.callbacks->take_error();
    throw;
  }
}

variable_list optional_list(const Arguments& arguments, size_t index, const char* name) {
  return arguments.is_missing(index) ? variable_list() : arguments.tensors(index, name, /*allow_none=*/true);
}

Napi::Value backward(Addon& addon, const Arguments& arguments) {
  const variable_list outputs = arguments.tensors(0, "outputs");
  const variable_list gradients = optional_list(arguments, 1, "gradients");
  const bool retain_graph = arguments.boolean(2, "retainGraph");
  const bool create_graph = arguments.boolean(3, "createGraph");
  const variable_list inputs = optional_list(arguments, 4, "inputs");
  run_pass(addon, [&] { torch::autograd::backward(outputs, gradients, retain_graph, create_graph, inputs); });
  return arguments.env().Undefined();
}

Napi::Value gradient(Addon& addon, const Arguments& arguments) {
  const variable_list outputs = arguments.tensors(0, "outputs");
  const variable_list inputs = arguments.tensors(1, "inputs");
  const variable_list gradients = optional_list(arguments, 2, "gradients");
  const bool retain_graph = arguments.boolean(3, "retainGraph");
  const bool create_graph = arguments.boolean(4, "createGraph");
  const bool allow_unused = arguments.boolean(5, "allowUnused");
  const variable_list results = run_pass(addon, [&] {
    return torch::autograd::grad(outputs, inputs, gradients, retain_graph, create_graph, allow_unused);
  });
  return handles_of(addon, arguments.env(), results);
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
  tensor.requires_grad_(value);
  return arguments.env().Undefined();
}

Napi::Value is_leaf(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), arguments.tensor(0, "tensor").is_leaf());
}

Napi::Value retain_grad(Addon&, const Arguments& arguments) {
  arguments.tensor(0, "tensor").retain_grad();
  return arguments.env().Undefined();
}

Napi::Value gradient_function(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const auto& node = tensor.grad_fn();
  if (!node) return arguments.env().Null();
  if (const auto* own = dynamic_cast<const torch::autograd::CppNode<JsFunction>*>(&*node)) {
    const auto found = own->ctx_.saved_data.find("function");
    if (found != own->ctx_.saved_data.end()) {
      const auto data = c10::static_intrusive_pointer_cast<FunctionData>(found->second.toCapsule());
      return Napi::String::New(arguments.env(), data->name + "Backward");
    }
  }
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
  define<attach_function>(exports, "attachFunction");
  define<register_hook>(exports, "registerHook");
  define<remove_hook>(exports, "removeHook");
  define<backward>(exports, "backward");
  define<gradient>(exports, "gradient");
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
