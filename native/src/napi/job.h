// Work that a function of the addon does now, or on a thread of Node's pool with a promise of the result.
#pragma once

#include <functional>

#include "instance_data.h"

namespace noether {

// Result of C++ work that a worker thread may do: made into a JavaScript value on the environment's own thread.
using Finish = std::function<Napi::Value(Addon&, Napi::Env)>;
using Work = std::function<Finish()>;

Napi::Value run_now(Addon& addon, Napi::Env env, const Work& work);
Napi::Value run_later(Napi::Env env, Work work);

}  // namespace noether
