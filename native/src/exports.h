// The groups of functions that the addon exports; each is defined in the file of its name.
#pragma once

#include "napi/napi_setup.h"

namespace noether {

void export_operators(Napi::Env env, Napi::Object exports);
void export_tensor(Napi::Env env, Napi::Object exports);
void export_garbage(Napi::Env env, Napi::Object exports);
void export_autograd(Napi::Env env, Napi::Object exports);
void export_js_functions(Napi::Env env, Napi::Object exports);
void export_anomaly(Napi::Env env, Napi::Object exports);
void export_transforms(Napi::Env env, Napi::Object exports);
void export_autograd_modes(Napi::Env env, Napi::Object exports);
void export_random(Napi::Env env, Napi::Object exports);
void export_runtime(Napi::Env env, Napi::Object exports);
void export_devices(Napi::Env env, Napi::Object exports);
void export_device_memory(Napi::Env env, Napi::Object exports);
void export_switches(Napi::Env env, Napi::Object exports);
void export_profiler(Napi::Env env, Napi::Object exports);
void export_kernels(Napi::Env env, Napi::Object exports);
void export_sharing(Napi::Env env, Napi::Object exports);
void export_archive(Napi::Env env, Napi::Object exports);
void export_scripts(Napi::Env env, Napi::Object exports);
void export_aoti(Napi::Env env, Napi::Object exports);
void export_stores(Napi::Env env, Napi::Object exports);
void export_groups(Napi::Env env, Napi::Object exports);
void export_collectives(Napi::Env env, Napi::Object exports);
void export_reducer(Napi::Env env, Napi::Object exports);

}  // namespace noether
