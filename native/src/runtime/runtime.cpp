// Threads, devices, versions and the default dtype.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DefaultDtype.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "exports.h"
#include "kernels/cpu.h"
#include "napi/arguments.h"

namespace noether {

namespace {

int thread_count(const Arguments& arguments) {
  const int64_t count = arguments.integer(0, "count");
  if (count < 1 || count > 4096) {
    fail("ERR_ARGUMENT", "expected a number of threads from 1 to 4096, got " + std::to_string(count));
  }
  return static_cast<int>(count);
}

Napi::Value num_threads(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), at::get_num_threads());
}

Napi::Value set_num_threads(Addon&, const Arguments& arguments) {
  at::set_num_threads(thread_count(arguments));
  return arguments.env().Undefined();
}

// Operators that this thread calls compute on it alone. at::set_num_threads also sets what threads get that libtorch starts later.
Napi::Value compute_on_one_thread(Addon&, const Arguments& arguments) {
  at::get_num_threads();  // sets this thread up, which would undo the next line
#ifdef _OPENMP
  omp_set_num_threads(1);
#endif
  return arguments.env().Undefined();
}

Napi::Value num_interop_threads(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), at::get_num_interop_threads());
}

Napi::Value set_num_interop_threads(Addon&, const Arguments& arguments) {
  at::set_num_interop_threads(thread_count(arguments));
  return arguments.env().Undefined();
}

Napi::Value versions(Addon&, const Arguments& arguments) {
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("torch", TORCH_VERSION);
  result.Set("addon", NOETHER_VERSION);
  // at::hasCUDA() is false without a device as well
  const bool has_cuda = at::detail::getCUDAHooks().hasCUDART();
  result.Set("cudaLinked", has_cuda);
  result.Set("cudaDevices", has_cuda ? at::detail::getCUDAHooks().getNumGPUs() : 0);
  result.Set("tileUnit", kernels::cpu_features().amx);
#if defined(__VERSION__)
  result.Set("cxx", __VERSION__);
#else
  result.Set("cxx", "unknown");
#endif
  return result;
}

Napi::Value config(Addon&, const Arguments& arguments) {
  return Napi::String::New(arguments.env(), at::show_config() + "\n" + at::get_parallel_info());
}

Napi::Value default_dtype(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), static_cast<int>(c10::get_default_dtype_as_scalartype()));
}

Napi::Value set_default_dtype(Addon&, const Arguments& arguments) {
  const at::ScalarType type = arguments.scalar_type(0, "dtype");
  if (!at::isFloatingType(type)) fail("ERR_TYPE", "expected a floating-point dtype as default");
  c10::set_default_dtype(c10::scalarTypeToTypeMeta(type));
  return arguments.env().Undefined();
}

}  // namespace

void export_runtime(Napi::Env, Napi::Object exports) {
  define<num_threads>(exports, "numThreads");
  define<set_num_threads>(exports, "setNumThreads");
  define<compute_on_one_thread>(exports, "computeOnOneThread");
  define<num_interop_threads>(exports, "numInteropThreads");
  define<set_num_interop_threads>(exports, "setNumInteropThreads");
  define<versions>(exports, "versions");
  define<config>(exports, "config");
  define<default_dtype>(exports, "defaultDtype");
  define<set_default_dtype>(exports, "setDefaultDtype");
}

}  // namespace noether
