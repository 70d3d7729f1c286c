// Operator arguments from JavaScript. How one is read depends on its type in the operator's schema alone; the decision
// is taken once per operator (`ArgumentConverter::compile`), not per call.
#pragma once

#include <string>

#include "instance_data.h"

namespace noether {

enum class ArgumentKind : uint8_t {
  kTensor,
  kInt,
  kFloat,
  kBool,
  kScalar,
  kString,
  kDevice,
  kGenerator,
  kCode,  // dtype, layout and memory format travel as c10's integer codes
  kTensorList,
  kOptionalTensorList,
  kIntList,
  kFloatList,
  kBoolList,
  kScalarList,
  kStringList,
  kUnsupported,
};

struct ArgumentConverter {
  std::string name;
  std::string type;
  ArgumentKind kind = ArgumentKind::kUnsupported;
  bool optional = false;
  bool has_default = false;
  // `int[2]` also takes one number; 0 where the list has no fixed size.
  int32_t fixed_size = 0;
  at::IValue default_value;

  static ArgumentConverter compile(const c10::Argument& argument);

  // Reads `value` (null pointer: not given) and appends it to the stack. Throws ERR_ARGUMENT.
  void push(Addon& addon, napi_env env, napi_value value, torch::jit::Stack& stack) const;

 private:
  [[noreturn]] void mismatch(napi_env env, napi_value value) const;
  std::string first_misfit(napi_env env, napi_value array) const;
  at::IValue list(Addon& addon, napi_env env, napi_value value) const;
};

}  // namespace noether
