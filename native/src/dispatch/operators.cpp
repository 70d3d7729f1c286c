#include "dispatch/operators.h"

#include <ATen/SequenceNumber.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <array>
#include <unordered_set>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/call_observer.h"
#include "napi/describe.h"
#include "napi/to_js.h"
#include "ops/registration.h"

namespace noether {

namespace {

// The autograd kernels of these do the work itself.
const std::unordered_set<std::string>& worked_in_autograd() {
  static const std::unordered_set<std::string> names = {
      "aten::detach",          "aten::detach_",         "aten::set_data",    "aten::data",         "aten::_backward",
      "aten::backward",        "aten::requires_grad_",  "aten::retain_grad", "aten::retains_grad", "aten::is_leaf",
      "aten::output_nr",       "aten::_version",        "aten::_fw_primal",  "aten::_make_dual",   "aten::_unpack_dual",
      "aten::_fw_primal_copy", "aten::_make_dual_copy", "aten::_lazy_clone", "aten::batch_norm"};
  return names;
}

// Compositions of several operators whose result is always new memory: inside them no view needs to be tracked either.
const std::unordered_set<std::string>& fresh_compositions() {
  static const std::unordered_set<std::string> names = {"aten::linear", "aten::layer_norm", "aten::matmul",
                                                        "aten::softmax", "aten::log_softmax"};
  return names;
}

// A call that records nothing can skip the autograd kernel, which for an operator on a tiny tensor is a fifth of its
// time. Views and version counters are kept by a key below it.
c10::DispatchKeySet keys_without_recording(const std::string& name) {
  if (name.rfind("aten::", 0) != 0 || worked_in_autograd().count(name)) return {};
  if (fresh_compositions().count(name)) return c10::autograd_dispatch_keyset_with_ADInplaceOrView;
  return c10::autograd_dispatch_keyset;
}

bool requires_grad(const at::IValue& value) {
  if (value.isTensor()) return value.toTensor().requires_grad();
  if (!value.isTensorList() && !value.isList()) return false;
  if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) {
      if (tensor.requires_grad()) return true;
    }
    return false;
  }
  for (const at::IValue& element : value.toListRef()) {
    if (element.isTensor() && element.toTensor().requires_grad()) return true;
  }
  return false;
}

bool records_gradient(const torch::jit::Stack& stack) {
  if (!c10::GradMode::is_enabled()) return false;
  for (const at::IValue& value : stack) {
    if (requires_grad(value)) return true;
  }
  return false;
}

}  // namespace

size_t OperatorTable::id(const std::string& name, const std::string& overload) {
  const std::string key = overload.empty() ? name : name + "." + overload;
  const auto known = ids_.find(key);
  if (known != ids_.end()) return known->second;
  const auto handle = c10::Dispatcher::singleton().findSchema({dispatcher_name(name), overload});
  if (!handle) fail("ERR_OPERATOR", "libtorch " TORCH_VERSION " has no operator " + key);
  Operator compiled{name, *handle, {}, {}, keys_without_recording(name), find_fast_path(key)};
  for (const c10::Argument& argument : handle->schema().arguments()) {
    compiled.arguments.push_back(ArgumentConverter::compile(argument));
  }
  for (const c10::Argument& result : handle->schema().returns()) {
    compiled.written_in_place.push_back(result.alias_info() && result.alias_info()->isWrite());
  }
  for (const c10::Argument& argument : handle->schema().arguments()) {
    compiled.writes = compiled.writes || (argument.alias_info() && argument.alias_info()->isWrite());
  }
  operators_.push_back(std::move(compiled));
  return ids_[key] = operators_.size() - 1;
}

const Operator& OperatorTable::at(double id) const {
  if (!(id >= 0 && id < static_cast<double>(operators_.size()))) fail("ERR_OPERATOR", "no operator has this id");
  return operators_[static_cast<size_t>(id)];
}

namespace {

constexpr size_t kMaxArguments = 64;

// A stack that keeps its memory between calls. Calls nest where a hook calls operators, so each depth has its own.
class ReusedStack {
 public:
  ReusedStack() {
    if (depth() == stacks().size()) stacks().push_back(std::make_unique<torch::jit::Stack>());
    stack_ = stacks()[depth()++].get();
  }
  ~ReusedStack() {
    stack_->clear();
    --depth();
  }
  ReusedStack(const ReusedStack&) = delete;
  ReusedStack& operator=(const ReusedStack&) = delete;
  torch::jit::Stack& operator*() { return *stack_; }
  torch::jit::Stack* operator->() { return stack_; }

 private:
  static std::vector<std::unique_ptr<torch::jit::Stack>>& stacks() {
    thread_local std::vector<std::unique_ptr<torch::jit::Stack>> stacks;
    return stacks;
  }
  static size_t& depth() {
    thread_local size_t depth = 0;
    return depth;
  }
  torch::jit::Stack* stack_;
};

// "aten::linear (input: float32 (2, 3), weight: float32 (4, 5))"
std::string describe_call(Addon& addon, napi_env env, const Operator& op, size_t argc, const napi_value* argv) {
  std::string text = op.name;
  if (text.rfind("aten::", 0) == 0) text = text.substr(6);
  text += "(";
  bool first = true;
  for (size_t i = 0; i < op.arguments.size() && i < argc; ++i) {
    double handle;
    if (op.arguments[i].kind != ArgumentKind::kTensor || napi_get_value_double(env, argv[i], &handle) != napi_ok ||
        !addon.tensors.is_live(handle) || !addon.tensors.peek(handle).defined()) {
      continue;
    }
    text += (first ? "" : ", ") + op.arguments[i].name + ": " + describe(addon.tensors.peek(handle));
    first = false;
  }
  return text + ")";
}

void push_arguments(
    Addon& addon, napi_env env, const Operator& op, size_t argc, const napi_value* argv, torch::jit::Stack& stack) {
  if (argc > op.arguments.size()) {
    fail("ERR_ARGUMENT",
         "expected at most " + std::to_string(op.arguments.size()) + " arguments, got " + std::to_string(argc));
  }
  for (size_t i = 0; i < op.arguments.size(); ++i) {
    op.arguments[i].push(addon, env, i < argc ? argv[i] : nullptr, stack);
  }
}

napi_value call_with(Addon& addon, napi_env env, const Operator& op, ReusedStack& stack) {
  if (op.without_recording.empty() || addon.transforms > 0 || records_gradient(*stack)) {
    op.handle.callBoxed(&*stack);
  } else {
    const c10::impl::ExcludeDispatchKeyGuard guard(op.without_recording);
    op.handle.callBoxed(&*stack);
  }
  const std::vector<bool>& in_place = op.written_in_place;
  if (in_place.size() == 1 && !in_place[0] && stack->size() == 1) return to_js(addon, env, std::move((*stack)[0]));
  napi_value result;
  napi_get_undefined(env, &result);
  if (in_place.size() <= 1) return result;
  const napi_value undefined = result;
  napi_create_array_with_length(env, in_place.size(), &result);
  for (size_t i = 0; i < in_place.size(); ++i) {
    napi_set_element(env, result, i, in_place[i] ? undefined : to_js(addon, env, std::move((*stack)[i])));
  }
  return result;
}

napi_value call_operator(Addon& addon, napi_env env, const Operator& op, size_t argc, const napi_value* argv) {
  ReusedStack stack;
  push_arguments(addon, env, op, argc, argv, *stack);
  return call_with(addon, env, op, stack);
}

// Once more, where memory had run out, with all that nobody holds any more given back. The stack holds the arguments meanwhile:
// JavaScript may be done with their objects.
napi_value call_with_room(Addon& addon, napi_env env, const Operator& op, size_t argc, const napi_value* argv) {
  ReusedStack stack;
  push_arguments(addon, env, op, argc, argv, *stack);
  addon.make_room(env);
  return call_with(addon, env, op, stack);
}

// A fast path while a profiler records: it does not go through the dispatcher, which would tell the profiler.
bool call_recorded(
    Addon& addon, napi_env env, const Operator& op, size_t argc, const napi_value* argv, napi_value* result) {
  at::RecordFunction event(at::RecordScope::FUNCTION);
  if (event.isActive()) {
    ReusedStack inputs;
    for (size_t i = 0; event.needsInputs() && i < std::min(argc, op.arguments.size()); ++i) {
      op.arguments[i].push(addon, env, argv[i], *inputs);
    }
    event.before(op.handle.schema(), c10::ArrayRef<const c10::IValue>(inputs->data(), inputs->size()));
  }
  return op.fast_path(addon, env, argc, argv, result);
}

// Tensors behind a value of JavaScript, which is a handle, a list of them, or something else.
void collect_tensors(Addon& addon, napi_env env, napi_value value, std::vector<at::Tensor>& tensors, int depth = 0) {
  double handle;
  bool is_list = false;
  if (value && napi_get_value_double(env, value, &handle) == napi_ok) {
    if (addon.tensors.is_live(handle)) tensors.push_back(addon.tensors.peek(handle));
  } else if (value && depth < 2 && napi_is_array(env, value, &is_list) == napi_ok && is_list) {
    uint32_t length = 0;
    napi_get_array_length(env, value, &length);
    for (uint32_t i = 0; i < length; ++i) {
      napi_value element;
      if (napi_get_element(env, value, i, &element) == napi_ok) collect_tensors(addon, env, element, tensors, depth + 1);
    }
  }
}

void tell_observer(Addon& addon, napi_env env, const Operator& op, size_t argc, const napi_value* argv,
                   napi_value result, uint64_t first) {
  if (at::sequence_number::peek() == first) return;
  const Napi::HandleScope scope(env);
  std::vector<at::Tensor> tensors;
  collect_tensors(addon, env, result, tensors);
  for (size_t i = 0; op.writes && i < argc; ++i) collect_tensors(addon, env, argv[i], tensors);
  addon.observer->called(op.name, first, tensors);
}

napi_value call_any(Addon& addon, napi_env env, const Operator& op, size_t argc, const napi_value* argv) {
  try {
    napi_value result = nullptr;
    if (op.fast_path && addon.transforms == 0) {
      const bool is_done = addon.profiler ? call_recorded(addon, env, op, argc, argv, &result)
                                          : op.fast_path(addon, env, argc, argv, &result);
      if (is_done) return result;
    }
    return call_operator(addon, env, op, argc, argv);
  } catch (const c10::OutOfMemoryError&) {
    if (op.writes) throw;
  }
  return call_with_room(addon, env, op, argc, argv);
}

// The hot path: raw Node-API, since its C++ wrapper costs more than the arguments' conversion.
napi_value call(napi_env env, napi_callback_info info) {
  std::array<napi_value, kMaxArguments + 1> argv;
  size_t argc = argv.size();
  void* data;
  if (napi_get_cb_info(env, info, &argc, argv.data(), nullptr, &data) != napi_ok) return nullptr;
  Addon& addon = *static_cast<Addon*>(data);
  const Operator* op = nullptr;
  try {
    double id;
    if (argc == 0 || napi_get_value_double(env, argv[0], &id) != napi_ok) {
      fail("ERR_OPERATOR", "expected an operator id as first argument");
    }
    if (argc > argv.size()) fail("ERR_ARGUMENT", "more than 64 arguments");
    op = &addon.operators->at(id);
    if (!addon.observer) return call_any(addon, env, *op, argc - 1, argv.data() + 1);
    const uint64_t first = at::sequence_number::peek();
    const napi_value result = call_any(addon, env, *op, argc - 1, argv.data() + 1);
    // a hook that ran meanwhile may have ended the mode
    if (addon.observer) tell_observer(addon, env, *op, argc - 1, argv.data() + 1, result, first);
    return result;
  } catch (const Napi::Error& error) {
    raise(error);
  } catch (...) {
    try {
      raise(to_js_error(env, op ? describe_call(addon, env, *op, argc - 1, argv.data() + 1) : "call"));
    } catch (const Napi::Error& error) {
      raise(error);
    } catch (...) {
      raise_last_resort(env);
    }
  }
  return nullptr;
}

// Called once for every tensor, so raw as well.
napi_value free_handle(napi_env env, napi_callback_info info) {
  napi_value value;
  size_t argc = 1;
  void* data;
  double handle;
  if (napi_get_cb_info(env, info, &argc, &value, nullptr, &data) == napi_ok && argc == 1 &&
      napi_get_value_double(env, value, &handle) == napi_ok) {
    static_cast<Addon*>(data)->tensors.free(handle);
  }
  return nullptr;
}

Napi::Value operator_id(Addon& addon, const Arguments& arguments) {
  const size_t id = addon.operators->id(arguments.string(0, "name"), arguments.string(1, "overload"));
  return Napi::Number::New(arguments.env(), static_cast<double>(id));
}

std::string type_text(const c10::Argument& argument) {
  std::string text = argument.real_type()->str();
  if (argument.N()) {
    const size_t bracket = text.rfind("[]");
    if (bracket != std::string::npos) text.insert(bracket + 1, std::to_string(*argument.N()));
  }
  return text;
}

Napi::Object argument_object(Napi::Env env, const c10::Argument& argument) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", argument.name());
  object.Set("type", type_text(argument));
  object.Set("mutable", argument.alias_info() && argument.alias_info()->isWrite());
  return object;
}

Napi::Value schemas(Addon&, const Arguments& arguments) {
  const Napi::Env env = arguments.env();
  Napi::Array result = Napi::Array::New(env);
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    const auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (!handle) continue;
    const std::optional<std::string> known = public_name(c10::toString(name));
    if (!known) continue;
    const Napi::HandleScope scope(env);
    const c10::FunctionSchema& schema = handle->schema();
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", *known);
    object.Set("schema", *public_name(c10::toString(schema)));
    Napi::Array inputs = Napi::Array::New(env);
    for (const c10::Argument& argument : schema.arguments()) {
      Napi::Object input = argument_object(env, argument);
      input.Set("hasDefault", argument.default_value().has_value());
      input.Set("kwargOnly", argument.kwarg_only());
      if (argument.default_value()) {
        std::ostringstream text;
        text << *argument.default_value();
        input.Set("default", text.str());
      } else {
        input.Set("default", env.Null());
      }
      inputs.Set(inputs.Length(), input);
    }
    Napi::Array outputs = Napi::Array::New(env);
    for (const c10::Argument& argument : schema.returns())
      outputs.Set(outputs.Length(), argument_object(env, argument));
    object.Set("arguments", inputs);
    object.Set("returns", outputs);
    result.Set(result.Length(), object);
  }
  return result;
}

}  // namespace

void export_operators(Napi::Env env, Napi::Object exports) {
  napi_value function;
  napi_create_function(env, "call", NAPI_AUTO_LENGTH, call, &Addon::of(env), &function);
  exports.Set("call", function);
  napi_create_function(env, "free", NAPI_AUTO_LENGTH, free_handle, &Addon::of(env), &function);
  exports.Set("free", function);
  define<operator_id>(exports, "operator");
  define<schemas>(exports, "schemas");
}

}  // namespace noether
