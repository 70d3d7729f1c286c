// What the addon can do: read the export lists. lib/torch/native.ts describes each function.
#include "exports.h"
#include "instance_data.h"
#include "ops/cuda_library.h"
#include "ops/registration.h"
#include "runtime/memory.h"
#include "runtime/random_stream.h"

namespace noether {

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  register_operators();
  load_cuda_library();
  install_counting_allocator();
  install_random_streams();
  env.SetInstanceData(new Addon(env));
  export_operators(env, exports);
  export_tensor(env, exports);
  export_garbage(env, exports);
  export_autograd(env, exports);
  export_js_functions(env, exports);
  export_anomaly(env, exports);
  export_transforms(env, exports);
  export_autograd_modes(env, exports);
  export_random(env, exports);
  export_runtime(env, exports);
  export_devices(env, exports);
  export_device_memory(env, exports);
  export_switches(env, exports);
  export_profiler(env, exports);
  export_kernels(env, exports);
  export_sharing(env, exports);
  export_archive(env, exports);
  export_scripts(env, exports);
  export_aoti(env, exports);
  export_stores(env, exports);
  export_groups(env, exports);
  export_collectives(env, exports);
  export_reducer(env, exports);
  return exports;
}

}  // namespace

}  // namespace noether

// Not NODE_API_MODULE: a worker may be terminated while it loads the addon, and then no error can be thrown from here.
NAPI_MODULE_INIT() {
  try {
    return noether::guard(env, [&] { return noether::init(env, Napi::Object(env, exports)); });
  } catch (const Napi::Error& error) {
    noether::raise(error);
  } catch (...) {
    noether::raise_last_resort(env);
  }
  return nullptr;
}
