// Work that a function of the addon does now, or elsewhere with a promise of the result: on a thread of Node's pool, or, where it may
// wait long for another process, on a thread of its own: a few that wait would occupy the pool.
#pragma once

#include <functional>

#include "instance_data.h"

namespace noether {

// Result of C++ work that a worker thread may do: made into a JavaScript value on the environment's own thread.
using Finish = std::function<Napi::Value(Addon&, Napi::Env)>;
using Work = std::function<Finish()>;

Napi::Value run_now(Addon& addon, Napi::Env env, const Work& work);
Napi::Value run_later(Napi::Env env, Work work);
Napi::Value run_beside(Napi::Env env, Work work);

}  // namespace noether
