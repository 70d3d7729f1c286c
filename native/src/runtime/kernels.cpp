// Which kernels of our own this machine runs, and which one an operation takes.
#include <string>

#include "exports.h"
#include "kernels/attention.h"
#include "kernels/cpu.h"
#include "kernels/matrix_product.h"
#include "napi/arguments.h"
#include "ops/cuda_library.h"

namespace noether {

namespace {

Napi::Array status_array(Napi::Env env, const std::vector<kernels::KernelStatus>& status) {
  Napi::Array result = Napi::Array::New(env);
  for (const kernels::KernelStatus& kernel : status) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", kernel.name);
    object.Set("available", kernel.available);
    result.Set(result.Length(), object);
  }
  return result;
}

Napi::Value cpu_kernels(Addon&, const Arguments& arguments) {
  const Napi::Env env = arguments.env();
  Napi::Object result = Napi::Object::New(env);
  result.Set("capability", kernels::cpu_tier());
  result.Set("matmul", status_array(env, kernels::matrix_product_kernels()));
  result.Set("attention", status_array(env, kernels::attention_kernels()));
  return result;
}

int size(const Arguments& arguments, size_t index, const char* name) {
  const int64_t value = arguments.integer(index, name);
  if (value < 0 || value > (1 << 24)) {
    fail("ERR_ARGUMENT",
         std::string("expected a size from 0 to 2^24 for \"") + name + "\", got " + std::to_string(value));
  }
  return static_cast<int>(value);
}

template <typename Kernel>
Napi::Value name_of(const Arguments& arguments, const Kernel* kernel) {
  return kernel ? Napi::Value(Napi::String::New(arguments.env(), kernel->name)) : arguments.env().Null();
}

Napi::Value matmul_kernel(Addon&, const Arguments& arguments) {
  return name_of(arguments, kernels::find_matrix_product({size(arguments, 0, "m"), size(arguments, 1, "n"),
                                                          size(arguments, 2, "k"), !arguments.boolean(3, "bfloat16")}));
}

Napi::Value attention_kernel(Addon&, const Arguments& arguments) {
  kernels::AttentionProblem problem = {};
  problem.batch = problem.heads = 1;
  problem.queries = size(arguments, 0, "queries");
  problem.keys = size(arguments, 1, "keys");
  problem.channels = size(arguments, 2, "channels");
  problem.bfloat16 = arguments.boolean(3, "bfloat16");
  return name_of(arguments, kernels::find_attention(problem));
}

// For tests: see kernels/kernel_table.h.
Napi::Value prefer_kernel(Addon&, const Arguments& arguments) {
  const std::string name = arguments.string(0, "name");
  const char* preferred = nullptr;
  const auto look = [&](const std::vector<kernels::KernelStatus>& status) {
    for (const kernels::KernelStatus& kernel : status) {
      if (kernel.available && name == kernel.name) preferred = kernel.name;
    }
  };
  look(kernels::matrix_product_kernels());
  look(kernels::attention_kernels());
  if (preferred == nullptr && !name.empty())
    fail("ERR_ARGUMENT", "expected the name of a kernel that this machine has, got \"" + name + "\"");
  kernels::preferred_kernel = preferred;
  return arguments.env().Undefined();
}

Napi::Value cuda_kernels(Addon&, const Arguments& arguments) {
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("available", cuda_library_problem().empty());
  result.Set("problem", cuda_library_problem());
  return result;
}

}  // namespace

void export_kernels(Napi::Env, Napi::Object exports) {
  define<cpu_kernels>(exports, "cpuKernels");
  define<cuda_kernels>(exports, "cudaKernels");
  define<prefer_kernel>(exports, "preferKernel");
  define<matmul_kernel>(exports, "matmulKernel");
  define<attention_kernel>(exports, "attentionKernel");
}

}  // namespace noether
