#include "instance_data.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>

#include <random>

#include "dispatch/operators.h"
#include "files/archive.h"
#include "jit/script_table.h"
#include "napi/call_observer.h"
#include "napi/callbacks.h"
#include "runtime/backward_thread.h"
#include "runtime/device_memory.h"
#include "runtime/garbage.h"
#include "runtime/memory.h"
#include "runtime/profiler.h"
#include "transforms/levels.h"

namespace noether {

Addon::Addon(Napi::Env env)
    : tensors(std::random_device()()),
      array_buffers(env),
      garbage(std::make_unique<Garbage>()),
      operators(std::make_unique<OperatorTable>()),
      callbacks(std::make_shared<Callbacks>(env)),
      backward_thread(std::make_shared<BackwardThread>(callbacks)) {
  generators.push_back(at::detail::getDefaultCPUGenerator());
}

Addon::~Addon() {
  backward_thread->close();
  borrowed.move_out();
  garbage->forget(callbacks->env());
  // Inference modes are nested guards of this thread: leave the innermost first.
  while (!inference_modes.empty()) inference_modes.pop_back();
}

void Addon::make_room(Napi::Env env) {
  garbage->make_room(*this, env);
  empty_cache();
  empty_device_caches();
}

}  // namespace noether
