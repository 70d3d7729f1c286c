#include "instance_data.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>

#include "dispatch/operators.h"
#include "files/archive.h"
#include "napi/callbacks.h"

namespace noether {

Addon::Addon(Napi::Env env)
    : operators(std::make_unique<OperatorTable>()), callbacks(std::make_shared<Callbacks>(env)) {
  generators.push_back(at::detail::getDefaultCPUGenerator());
}

Addon::~Addon() {
  // Inference modes are nested guards of this thread: leave the innermost first.
  while (!inference_modes.empty()) inference_modes.pop_back();
}

}  // namespace noether
