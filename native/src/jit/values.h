// Values of TorchScript and of JavaScript. `lib/torch/jit/values.ts` has encoded the latter: a tensor is `{ tensor: handle }`,
// a map or an object `{ entries: [[key, value], …] }`; everything else stands for itself.
#pragma once

#include <ATen/core/ivalue.h>

#include <string>

#include "instance_data.h"

namespace noether {

// What `type` asks for. `name` leads the message of ERR_ARGUMENT.
at::IValue script_value(Addon& addon, Napi::Value value, const c10::TypePtr& type, const std::string& name);

// A result. Where it cannot be told (ERR_UNSUPPORTED), no tensor of it is left in the table.
Napi::Value script_result(Addon& addon, Napi::Env env, const at::IValue& value);

}  // namespace noether
