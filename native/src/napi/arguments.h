// Reads the arguments of an exported function. Call sites read as a list of preconditions: each reader names the
// argument and throws ERR_ARGUMENT when something else came.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "instance_data.h"

namespace noether {

class Arguments {
 public:
  Arguments(Addon& addon, const Napi::CallbackInfo& info) : addon_(addon), info_(info) {}

  Napi::Env env() const { return info_.Env(); }
  size_t count() const { return info_.Length(); }
  // Missing, undefined or null.
  bool is_missing(size_t index) const;

  double number(size_t index, const char* name) const;
  int64_t integer(size_t index, const char* name) const;
  bool boolean(size_t index, const char* name) const;
  std::string string(size_t index, const char* name) const;
  // A number or a bigint, modulo 2^64.
  uint64_t seed(size_t index, const char* name) const;
  std::vector<int64_t> integers(size_t index, const char* name) const;
  at::ScalarType scalar_type(size_t index, const char* name) const;
  Napi::Function function(size_t index, const char* name) const;

  double handle(size_t index, const char* name) const { return number(index, name); }
  at::Tensor tensor(size_t index, const char* name) const;
  // A handle of 0, null or undefined is an undefined tensor.
  at::Tensor optional_tensor(size_t index, const char* name) const;
  // Handles from a plain array or a Float64Array.
  std::vector<double> handles(size_t index, const char* name) const;
  // The tensors behind `handles`; entries of 0 become undefined tensors when `allow_none`.
  std::vector<at::Tensor> tensors(size_t index, const char* name, bool allow_none = false) const;

  struct Bytes {
    Napi::Object buffer;  // ArrayBuffer or SharedArrayBuffer
    uint8_t* data;
    size_t length;
  };
  // The memory of a TypedArray or DataView. Read it last: reading lists can run JavaScript, which can take it away.
  Bytes bytes(size_t index, const char* name) const;

  Napi::Value operator[](size_t index) const { return info_[index]; }

 private:
  [[noreturn]] void mismatch(size_t index, const char* name, const char* expected) const;

  Addon& addon_;
  const Napi::CallbackInfo& info_;
};

// "a string", "an array", …: how an error message calls what came.
std::string kind_of(Napi::Env env, napi_value value);

// Every exported function is written like this; `define` adds it to the exports, with its errors made JavaScript's.
using Method = Napi::Value (*)(Addon& addon, const Arguments& arguments);

template <Method method>
Napi::Value entry(const Napi::CallbackInfo& info) {
  try {
    return guard(info.Env(), [&]() -> Napi::Value {
      Addon& addon = Addon::of(info.Env());
      return method(addon, Arguments(addon, info));
    });
  } catch (const Napi::Error& error) {
    raise(error);
  } catch (...) {
    raise_last_resort(info.Env());
  }
  return Napi::Value();
}

template <Method method>
void define(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<entry<method>>(exports.Env(), name));
}

}  // namespace noether
