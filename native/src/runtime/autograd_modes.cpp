// The thread's modes: gradient recording, inference mode, autocast.
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include "exports.h"
#include "napi/arguments.h"

namespace noether {

namespace {

Napi::Value grad_enabled(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), c10::GradMode::is_enabled());
}

Napi::Value set_grad_enabled(Addon&, const Arguments& arguments) {
  c10::GradMode::set_enabled(arguments.boolean(0, "enabled"));
  return arguments.env().Undefined();
}

Napi::Value enter_inference_mode(Addon& addon, const Arguments& arguments) {
  addon.inference_modes.push_back(std::make_unique<c10::InferenceMode>(arguments.boolean(0, "enabled")));
  return Napi::Number::New(arguments.env(), static_cast<double>(addon.inference_modes.size()));
}

Napi::Value exit_inference_mode(Addon& addon, const Arguments& arguments) {
  const int64_t depth = arguments.integer(0, "depth");
  if (depth < 1 || static_cast<size_t>(depth) != addon.inference_modes.size()) {
    fail("ERR_ARGUMENT", "internal: inference modes must be left in the reverse order of entering them");
  }
  addon.inference_modes.pop_back();
  return arguments.env().Undefined();
}

Napi::Value is_inference_mode(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), c10::InferenceMode::is_enabled());
}

at::DeviceType autocast_device(const Arguments& arguments) {
  const at::DeviceType type = at::Device(arguments.string(0, "deviceType")).type();
  if (!at::autocast::is_autocast_available(type)) {
    fail("ERR_ARGUMENT", "autocast knows no device type \"" + arguments.string(0, "deviceType") + "\"");
  }
  return type;
}

Napi::Value autocast(Addon&, const Arguments& arguments) {
  Napi::Array result = Napi::Array::New(arguments.env());
  for (const at::DeviceType type : {at::kCPU, at::kCUDA}) {
    Napi::Object state = Napi::Object::New(arguments.env());
    state.Set("deviceType", c10::DeviceTypeName(type, /*lower_case=*/true));
    state.Set("enabled", at::autocast::is_autocast_enabled(type));
    state.Set("dtype", static_cast<int>(at::autocast::get_autocast_dtype(type)));
    state.Set("cache", at::autocast::is_autocast_cache_enabled());
    result.Set(result.Length(), state);
  }
  return result;
}

Napi::Value set_autocast(Addon&, const Arguments& arguments) {
  const at::DeviceType type = autocast_device(arguments);
  const bool enabled = arguments.boolean(1, "enabled");
  const at::ScalarType dtype = arguments.scalar_type(2, "dtype");
  const bool cache = arguments.boolean(3, "cache");
  at::autocast::set_autocast_enabled(type, enabled);
  at::autocast::set_autocast_dtype(type, dtype);
  at::autocast::set_autocast_cache_enabled(cache);
  return arguments.env().Undefined();
}

Napi::Value enter_autocast(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), at::autocast::increment_nesting());
}

Napi::Value exit_autocast(Addon&, const Arguments& arguments) {
  const int depth = at::autocast::decrement_nesting();
  if (depth == 0) at::autocast::clear_cache();
  return Napi::Number::New(arguments.env(), depth);
}

Napi::Value clear_autocast_cache(Addon&, const Arguments& arguments) {
  at::autocast::clear_cache();
  return arguments.env().Undefined();
}

}  // namespace

void export_autograd_modes(Napi::Env, Napi::Object exports) {
  define<grad_enabled>(exports, "gradEnabled");
  define<set_grad_enabled>(exports, "setGradEnabled");
  define<enter_inference_mode>(exports, "enterInferenceMode");
  define<exit_inference_mode>(exports, "exitInferenceMode");
  define<is_inference_mode>(exports, "isInferenceMode");
  define<autocast>(exports, "autocast");
  define<set_autocast>(exports, "setAutocast");
  define<enter_autocast>(exports, "enterAutocast");
  define<exit_autocast>(exports, "exitAutocast");
  define<clear_autocast_cache>(exports, "clearAutocastCache");
}

}  // namespace noether
