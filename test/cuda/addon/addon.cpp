// Loaded before the package's addon (preload.cjs). It is linked against libtorch_cuda, so that the addon, which may be
// the one for the CPU, finds CUDA's kernels registered. Under the fake runtime it gives the calling thread values, and:
//
//   isFake(): boolean                        whether the fake runtime is there
//   takeCounts(): Record<string, number>     what the runtime counted since the last call, by name
//   takeUncomputed(): Record<string, number> operators whose values are wrong, as the CPU lacks them
#include <ATen/Context.h>
#include <node_api.h>

#include <map>
#include <string>

#include "runtime.h"
#include "values.h"

namespace {

napi_value to_object(napi_env env, const std::map<std::string, long>& counts) {
  napi_value object, number;
  napi_create_object(env, &object);
  for (const auto& [name, count] : counts) {
    napi_create_int64(env, count, &number);
    napi_set_named_property(env, object, name.c_str(), number);
  }
  return object;
}

napi_value is_fake(napi_env env, napi_callback_info) {
  napi_value result;
  napi_get_boolean(env, fake::present(), &result);
  return result;
}

napi_value take_counts(napi_env env, napi_callback_info) {
  using Each = void(void*, const char*, long);
  static auto* const report = fake::function<void(Each*, void*, bool)>("fake_cuda_report");
  std::map<std::string, long> counts;
  const auto add = [](void* to, const char* name, long count) {
    (*static_cast<std::map<std::string, long>*>(to))[name] += count;
  };
  if (report) report(add, &counts, true);
  return to_object(env, counts);
}

napi_value take_uncomputed(napi_env env, napi_callback_info) { return to_object(env, fake::take_uncomputed()); }

}  // namespace

NAPI_MODULE_INIT() {
  if (fake::present()) {
    at::globalContext().setUserEnabledCuDNN(false);  // its descriptors are blank
    at::globalContext().setSDPUseCuDNN(false);
    fake::compute_values_in_this_thread();
  }
  const std::pair<const char*, napi_callback> functions[] = {
      {"isFake", is_fake}, {"takeCounts", take_counts}, {"takeUncomputed", take_uncomputed}};
  for (const auto& [name, call] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
