// Nodes and hooks of the autograd graph whose work is done in JavaScript.
//
// A backward pass over CPU tensors runs its nodes on the thread that asked for it, so JavaScript can be called from
// them directly. Nodes on other devices run on threads of the autograd engine: see backward_thread.h.
#include "runtime/js_function.h"

#include <ATen/SequenceNumber.h>
#include <torch/csrc/autograd/functions/utils.h>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/call_observer.h"
#include "napi/describe.h"
#include "runtime/backward_thread.h"

namespace noether {

using torch::autograd::variable_list;

JsCallback::JsCallback(Addon& addon, Napi::Function function)
    : addon_(addon), ticket_(addon.callbacks->keep(function)) {}

void JsCallback::set_owner(const void* owner) const { ticket_->owner()->set_owner(ticket_->id(), owner); }

Napi::Value JsCallback::call(std::initializer_list<napi_value> arguments) const {
  const std::shared_ptr<Callbacks> callbacks = ticket_->owner();
  const Napi::Object function = callbacks->value(ticket_->id());
  if (function.IsEmpty()) fail("ERR_AUTOGRAD", "internal: a hook was collected while its tensor was in use");
  const Napi::Env env = callbacks->env();
  const Callbacks::Calling calling(*callbacks);
  napi_value returned;
  if (napi_call_function(env, env.Undefined(), function, arguments.size(), arguments.begin(), &returned) != napi_ok) {
    throw JavaScriptError(*callbacks);
  }
  return Napi::Value(env, returned);
}

void JsCallback::run(const std::function<void()>& body) const {
  const std::shared_ptr<Callbacks> callbacks = ticket_->owner();
  if (!callbacks) fail("ERR_AUTOGRAD", "the worker thread that defined this function or hook has ended");
  const auto within_scope = [&] {
    const Napi::HandleScope scope(callbacks->env());
    body();
  };
  if (callbacks->on_own_thread()) return within_scope();
  const std::shared_ptr<BackwardThread> pass = BackwardThread::of_this_thread();
  if (!pass || !pass->serves(*callbacks)) {
    fail("ERR_AUTOGRAD",
         "functions and hooks written in JavaScript run in backward passes of the thread that made them, and only there");
  }
  pass->call(within_scope);
}

napi_value JsCallback::give(const at::Tensor& tensor) const {
  return Napi::Number::New(ticket_->owner()->env(), tensor.defined() ? addon_.tensors.put(tensor) : 0);
}

napi_value JsCallback::give(const variable_list& tensors) const {
  Napi::Array list = Napi::Array::New(ticket_->owner()->env(), tensors.size());
  for (uint32_t i = 0; i < tensors.size(); ++i) list.Set(i, give(tensors[i]));
  return list;
}

at::Tensor JsCallback::take(const Napi::Value& handle) const {
  if (handle.IsUndefined() || handle.IsNull()) return at::Tensor();
  if (!handle.IsNumber()) fail("ERR_AUTOGRAD", "internal: expected a handle from a backward function");
  const double number = handle.As<Napi::Number>().DoubleValue();
  return number == 0 ? at::Tensor() : addon_.tensors.take(number);
}

JsNode::JsNode(std::string name, JsCallback backward) : name_(std::move(name)), backward_(std::move(backward)) {
  backward_.set_owner(this);
}

std::string JsNode::name() const { return name_ + "Backward"; }

void JsNode::save(std::vector<SavedTensor> saved) { saved_ = std::move(saved); }

variable_list JsNode::apply(variable_list&& gradients) {
  const variable_list saved = saved_now();
  variable_list results;
  backward_.run([&] { results = call(gradients, saved); });
  results.resize(num_outputs());
  return results;
}

variable_list JsNode::saved_now() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (released_) {
    fail("ERR_AUTOGRAD",
         "a second backward pass through " + name() +
             ", whose saved tensors the first one freed: pass retainGraph: true to the first, or run forward again");
  }
  variable_list saved;
  for (const SavedTensor& tensor : saved_) saved.push_back(tensor.unpack(getptr()));
  return saved;
}

variable_list JsNode::call(const variable_list& gradients, const variable_list& saved) {
  const Napi::Value returned = backward_.call({backward_.give(gradients), backward_.give(saved)});
  if (!returned.IsArray()) fail("ERR_AUTOGRAD", "internal: expected an array from " + name());
  const auto list = returned.As<Napi::Array>();
  variable_list results;
  for (uint32_t i = 0; i < list.Length(); ++i) results.push_back(backward_.take(list.Get(i)));
  return results;
}

void JsNode::release_variables() {
  const std::lock_guard<std::mutex> lock(mutex_);
  released_ = released_ || !saved_.empty();
  saved_.clear();
}

namespace {

Napi::Value attach_function(Addon& addon, const Arguments& arguments) {
  std::string name = arguments.string(0, "name");
  const variable_list outputs = arguments.tensors(1, "outputs");
  const variable_list inputs = arguments.tensors(2, "inputs");
  const Napi::Function backward = arguments.function(3, "backward");
  const variable_list saved = arguments.is_missing(4) ? variable_list() : arguments.tensors(4, "saved");
  for (const at::Tensor& output : outputs) {
    for (const at::Tensor& input : inputs) {
      if (output.is_same(input)) fail("ERR_AUTOGRAD", "an output of a function is its own input: return a view of it");
    }
    if (!torch::autograd::isDifferentiableType(output.scalar_type())) {
      fail("ERR_AUTOGRAD", "an output of " + name + ", " + describe(output) +
                               ", has no gradient: mark it with markNonDifferentiable()");
    }
  }
  std::vector<SavedTensor> kept;
  for (const at::Tensor& tensor : saved) {
    uint32_t output = 0;
    while (output < outputs.size() && !outputs[output].is_same(tensor)) ++output;
    kept.push_back(output < outputs.size() ? SavedTensor::of_output(tensor, output) : SavedTensor(tensor));
  }
  const uint64_t first = at::sequence_number::peek();
  auto* node = new JsNode(name, JsCallback(addon, backward));
  const NodePointer pointer = held<torch::autograd::Node>(node);
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  node->save(std::move(kept));
  for (const at::Tensor& output : outputs) torch::autograd::set_history(output, pointer);
  if (addon.observer) addon.observer->called(name, first, outputs);
  return arguments.env().Undefined();
}

Napi::Value register_hook(Addon& addon, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const auto callback = std::make_shared<JsCallback>(addon, arguments.function(1, "hook"));
  const unsigned id = tensor.register_hook([callback](const at::Tensor& gradient) -> at::Tensor {
    at::Tensor result;
    callback->run([&] { result = callback->take(callback->call({callback->give(gradient)})); });
    return result;
  });
  const auto& node = tensor.grad_fn();
  callback->set_owner(node ? static_cast<const void*>(&*node) : tensor.unsafeGetTensorImpl());
  return Napi::Number::New(arguments.env(), id);
}

Napi::Value remove_hook(Addon&, const Arguments& arguments) {
  arguments.tensor(0, "tensor").remove_hook(static_cast<unsigned>(arguments.integer(1, "id")));
  return arguments.env().Undefined();
}

}  // namespace

void export_js_functions(Napi::Env, Napi::Object exports) {
  define<attach_function>(exports, "attachFunction");
  define<register_hook>(exports, "registerHook");
  define<remove_hook>(exports, "removeHook");
}

}  // namespace noether
