// AOTInductor packages: machine code of a model, compiled for one libtorch, loaded and run in this process.
#include <dlfcn.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <cstdlib>
#include <memory>
#include <mutex>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/job.h"

namespace noether {

namespace {

using Loader = torch::inductor::AOTIModelPackageLoader;
using LoaderPointer = std::shared_ptr<Loader>;

// Generated code compares its inputs with what it was compiled for when this is set, and only then: without, a wrong shape is a read of
// foreign memory.
void have_inputs_checked() {
  static std::once_flag once;
  std::call_once(once, [] { setenv("AOTI_RUNTIME_CHECK_INPUTS", "1", /*overwrite=*/1); });
}

std::string folder_of(const void* address) {
  Dl_info info;
  if (dladdr(address, &info) == 0 || !info.dli_fname) return "";
  const std::string path = info.dli_fname;
  return path.substr(0, path.find_last_of('/') + 1);
}

// Packages are linked against libtorch.so, a library without content that stands for the others. A libtorch that is fetched has none, so
// an empty one of the same name stands beside the addon.
void have_umbrella() {
  static std::once_flag once;
  std::call_once(once, [] {
    constexpr char kName[] = "libtorch.so";
    if (dlopen(kName, RTLD_LAZY | RTLD_NOLOAD)) return;
    const void* libtorch = reinterpret_cast<const void*>(static_cast<bool (*)()>(&at::hasMKL));
    const void* addon = reinterpret_cast<const void*>(&folder_of);
    if (dlopen((folder_of(libtorch) + kName).c_str(), RTLD_NOW | RTLD_GLOBAL)) return;
    dlopen((folder_of(addon) + kName).c_str(), RTLD_NOW | RTLD_GLOBAL);
  });
}

LoaderPointer& loader_of(const Arguments& arguments) {
  if (!arguments[0].IsExternal()) fail("ERR_ARGUMENT", "internal: expected a package");
  return *arguments[0].As<Napi::External<LoaderPointer>>().Data();
}

Work load(const Arguments& arguments) {
  const std::string path = arguments.string(0, "path"), model = arguments.string(1, "model");
  const bool single_threaded = arguments.boolean(2, "singleThreaded");
  const int64_t runners = arguments.integer(3, "runners"), device = arguments.integer(4, "device");
  return [=]() -> Finish {
    have_inputs_checked();
    have_umbrella();
    const auto loader =
        std::make_shared<Loader>(path, model, single_threaded, static_cast<size_t>(runners),
                                 static_cast<c10::DeviceIndex>(device));
    return [loader](Addon&, Napi::Env env) -> Napi::Value {
      return Napi::External<LoaderPointer>::New(env, new LoaderPointer(loader),
                                                [](Napi::Env, LoaderPointer* pointer) { delete pointer; });
    };
  };
}

// aotiLoad(path, model, singleThreaded, runners, device) -> package
Napi::Value aoti_load(Addon& addon, const Arguments& arguments) {
  return run_now(addon, arguments.env(), load(arguments));
}

Napi::Value aoti_load_async(Addon&, const Arguments& arguments) {
  return run_later(arguments.env(), load(arguments));
}

// aotiInfo(package) -> { metadata: [[key, value], …], constants, callSpec: [inputs, outputs] }
Napi::Value aoti_info(Addon&, const Arguments& arguments) {
  const Napi::Env env = arguments.env();
  const LoaderPointer loader = loader_of(arguments);
  auto metadata = Napi::Array::New(env);
  for (const auto& [key, value] : loader->get_metadata()) {
    auto entry = Napi::Array::New(env, 2);
    entry.Set(0u, key);
    entry.Set(1u, value);
    metadata.Set(metadata.Length(), entry);
  }
  const auto list = [env](const std::vector<std::string>& texts) {
    auto result = Napi::Array::New(env);
    for (const auto& text : texts) result.Set(result.Length(), text);
    return result;
  };
  auto info = Napi::Object::New(env);
  info.Set("metadata", metadata);
  info.Set("constants", list(loader->get_constant_fqns()));
  info.Set("callSpec", list(loader->get_call_spec()));
  return info;
}

// aotiRun(package, tensors) -> tensors
Napi::Value aoti_run(Addon& addon, const Arguments& arguments) {
  const LoaderPointer loader = loader_of(arguments);
  const std::vector<at::Tensor> inputs = arguments.tensors(1, "inputs");
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> outputs = loader->run(inputs);
  auto result = Napi::Array::New(arguments.env(), outputs.size());
  for (uint32_t i = 0; i < outputs.size(); ++i) {
    result.Set(i, Napi::Number::New(arguments.env(), outputs[i].defined() ? addon.tensors.put(outputs[i]) : 0));
  }
  return result;
}

}  // namespace

void export_aoti(Napi::Env, Napi::Object exports) {
  define<aoti_load>(exports, "aotiLoad");
  define<aoti_load_async>(exports, "aotiLoadAsync");
  define<aoti_info>(exports, "aotiInfo");
  define<aoti_run>(exports, "aotiRun");
}

}  // namespace noether
