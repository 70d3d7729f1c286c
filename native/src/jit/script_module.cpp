// TorchScript modules: loaded from files, run, looked into, saved.
#include <torch/csrc/jit/serialization/import.h>

#include <sstream>

#include "exports.h"
#include "jit/script_table.h"
#include "jit/values.h"
#include "napi/arguments.h"
#include "napi/job.h"

namespace noether {

namespace {

torch::jit::Module& module_of(Addon& addon, const Arguments& arguments) {
  return addon.scripts->get(arguments.integer(0, "module"));
}

Work load(Addon&, const Arguments& arguments) {
  const std::string path = arguments.string(0, "path");
  const c10::Device device(arguments.string(1, "device"));
  return [path, device]() -> Finish {
    torch::jit::Module module = torch::jit::load(path, device);
    return [module](Addon& addon, Napi::Env env) -> Napi::Value {
      return Napi::Number::New(env, static_cast<double>(addon.scripts->put(module)));
    };
  };
}

// scriptLoad(path, device) -> id
Napi::Value script_load(Addon& addon, const Arguments& arguments) {
  return run_now(addon, arguments.env(), load(addon, arguments));
}

Napi::Value script_load_async(Addon& addon, const Arguments& arguments) {
  return run_later(arguments.env(), load(addon, arguments));
}

// scriptFree(id): one that is not there is not a mistake
Napi::Value script_free(Addon& addon, const Arguments& arguments) {
  addon.scripts->modules.erase(arguments.integer(0, "module"));
  return arguments.env().Undefined();
}

Napi::Object named_tensor(Addon& addon, Napi::Env env, const std::string& name, const at::Tensor& tensor) {
  auto result = Napi::Object::New(env);
  result.Set("name", name);
  result.Set("handle", Napi::Number::New(env, addon.tensors.put(tensor)));
  // tells tensors that are shared from those that are equal
  result.Set("identity",
             Napi::Number::New(env, static_cast<double>(reinterpret_cast<uintptr_t>(tensor.unsafeGetTensorImpl()))));
  return result;
}

// scriptInfo(id) -> { type, methods: [{ name, schema }], parameters, buffers: [{ name, handle, identity }],
// children: [{ name, id }] }: own ones only
Napi::Value script_info(Addon& addon, const Arguments& arguments) {
  const torch::jit::Module module = module_of(addon, arguments);
  const Napi::Env env = arguments.env();
  auto methods = Napi::Array::New(env);
  for (const auto& method : module.get_methods()) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", method.name());
    std::ostringstream schema;
    schema << method.function().getSchema();
    entry.Set("schema", schema.str());
    methods.Set(methods.Length(), entry);
  }
  auto parameters = Napi::Array::New(env);
  for (const auto& [name, tensor] : module.named_parameters(/*recurse=*/false)) {
    if (tensor.defined()) parameters.Set(parameters.Length(), named_tensor(addon, env, name, tensor));
  }
  auto buffers = Napi::Array::New(env);
  for (const auto& [name, tensor] : module.named_buffers(/*recurse=*/false)) {
    if (tensor.defined()) buffers.Set(buffers.Length(), named_tensor(addon, env, name, tensor));
  }
  auto children = Napi::Array::New(env);
  for (const auto& [name, child] : module.named_children()) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", name);
    entry.Set("id", Napi::Number::New(env, static_cast<double>(addon.scripts->put(child))));
    children.Set(children.Length(), entry);
  }
  auto info = Napi::Object::New(env);
  const auto type = module.type()->name();
  info.Set("type", type ? type->name() : "Module");
  info.Set("methods", methods);
  info.Set("parameters", parameters);
  info.Set("buffers", buffers);
  info.Set("children", children);
  return info;
}

std::string plural(size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// scriptRun(id, method, inputs, [[name, value], …]) -> result; values as values.h has them
Napi::Value script_run(Addon& addon, const Arguments& arguments) {
  torch::jit::Module& module = module_of(addon, arguments);
  const std::string name = arguments.string(1, "method");
  const auto method = module.find_method(name);
  if (!method) {
    std::string names;
    for (const auto& each : module.get_methods()) names += (names.empty() ? "" : ", ") + each.name();
    fail("ERR_ARGUMENT", "expected a method of the module (" + (names.empty() ? "it has none" : names) + "), got " + name);
  }
  const auto& schema = method->function().getSchema();
  const auto& expected = schema.arguments();
  if (!arguments[2].IsArray() || !arguments[3].IsArray()) fail("ERR_ARGUMENT", "expected lists of inputs");
  const auto inputs = arguments[2].As<Napi::Array>();
  const auto named = arguments[3].As<Napi::Array>();

  std::vector<at::IValue> stack;
  for (uint32_t i = 0; i < inputs.Length(); ++i) {
    // the first one is the module itself
    if (i + 1 >= expected.size() || expected[i + 1].kwarg_only()) {
      std::ostringstream text;
      text << schema;
      fail("ERR_ARGUMENT", "expected at most " + plural(i, "input") + ", got " + std::to_string(inputs.Length()) +
                               ": " + text.str());
    }
    stack.push_back(script_value(addon, inputs.Get(i), expected[i + 1].type(), expected[i + 1].name()));
  }
  torch::jit::Kwargs kwargs;
  for (uint32_t i = 0; i < named.Length(); ++i) {
    const auto entry = named.Get(i).As<Napi::Array>();
    const std::string key = entry.Get(0u).ToString().Utf8Value();
    const auto index = schema.argumentIndexWithName(key);
    if (!index || *index == 0) {
      std::ostringstream text;
      text << schema;
      fail("ERR_ARGUMENT", "expected names of inputs, got " + key + ": " + text.str());
    }
    kwargs[key] = script_value(addon, entry.Get(1u), expected[*index].type(), key);
  }
  return script_result(addon, arguments.env(), (*method)(std::move(stack), kwargs));
}

// scriptAttribute(id, name) -> value
Napi::Value script_attribute(Addon& addon, const Arguments& arguments) {
  const torch::jit::Module& module = module_of(addon, arguments);
  const std::string name = arguments.string(1, "name");
  if (!module.hasattr(name)) fail("ERR_ARGUMENT", "expected an attribute of the module, got " + name);
  return script_result(addon, arguments.env(), module.attr(name));
}

// scriptTraining(id) -> whether the module itself is in training mode; a frozen one never is
Napi::Value script_training(Addon& addon, const Arguments& arguments) {
  const torch::jit::Module& module = module_of(addon, arguments);
  const auto slot = module._ivalue()->type()->findAttributeSlot("training");
  const bool training = slot && module._ivalue()->getSlot(*slot).isBool() && module._ivalue()->getSlot(*slot).toBool();
  return Napi::Boolean::New(arguments.env(), training);
}

// scriptSetTraining(id, training): of the module itself
Napi::Value script_set_training(Addon& addon, const Arguments& arguments) {
  torch::jit::Module& module = module_of(addon, arguments);
  const bool training = arguments.boolean(1, "training");
  const auto slot = module._ivalue()->type()->findAttributeSlot("training");
  if (slot && module._ivalue()->type()->getAttribute(*slot)->kind() == c10::TypeKind::BoolType)
    module._ivalue()->setSlot(*slot, training);
  return arguments.env().Undefined();
}

// scriptSave(id, path)
Napi::Value script_save(Addon& addon, const Arguments& arguments) {
  module_of(addon, arguments).save(arguments.string(1, "path"));
  return arguments.env().Undefined();
}

}  // namespace

void export_scripts(Napi::Env env, Napi::Object exports) {
  Addon::of(env).scripts = std::make_unique<ScriptTable>();
  define<script_load>(exports, "scriptLoad");
  define<script_load_async>(exports, "scriptLoadAsync");
  define<script_free>(exports, "scriptFree");
  define<script_info>(exports, "scriptInfo");
  define<script_run>(exports, "scriptRun");
  define<script_attribute>(exports, "scriptAttribute");
  define<script_training>(exports, "scriptTraining");
  define<script_set_training>(exports, "scriptSetTraining");
  define<script_save>(exports, "scriptSave");
}

}  // namespace noether
