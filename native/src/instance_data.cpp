#include "instance_data.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>

#include <random>

#include "dispatch/operators.h"
#include "files/archive.h"
#include "napi/callbacks.h"
#include "runtime/garbage.h"
#include "runtime/profiler.h"

namespace noether {

Addon::Addon(Napi::Env env)
    : tensors(std::random_device()()),
      array_buffers(env),
      garbage(std::make_unique<Garbage>()),
      operators(std::make_unique<OperatorTable>()),
      callbacks(std::make_shared<Callbacks>(env)) {
  generators.push_back(at::detail::getDefaultCPUGenerator());
}

Addon::~Addon() {
  borrowed.move_out();
  garbage->forget(callbacks->env());
  // Inference modes are nested guards of this thread: leave the innermost first.
  while (!inference_modes.empty()) inference_modes.pop_back();
}

}  // namespace noether
