// Values of the dispatcher for JavaScript.
#pragma once

#include "instance_data.h"

namespace noether {

// One result as a JavaScript value; tensors get new handles, an undefined tensor is 0.
napi_value to_js(Addon& addon, napi_env env, at::IValue&& value);

// A shape as a JavaScript array.
napi_value to_js_array(napi_env env, at::IntArrayRef values);

}  // namespace noether
