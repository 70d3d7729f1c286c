// Reads the arguments of a fast path and gives back its result.
#pragma once

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cmath>
#include <optional>

#include "instance_data.h"

namespace noether {

inline bool give(Addon& addon, napi_env env, at::Tensor tensor, napi_value* result) {
  return napi_create_double(env, addon.tensors.put(std::move(tensor)), result) == napi_ok;
}

// Reads arguments without throwing: `ok` turns false when something is not the plain case.
class ArgumentReader {
 public:
  ArgumentReader(Addon& addon, napi_env env, size_t argc, const napi_value* argv)
      : addon_(addon), env_(env), argc_(argc), argv_(argv) {
    // Autocast, other modes and functional transforms live in the thread's dispatch keys.
    const c10::impl::LocalDispatchKeySet keys = c10::impl::tls_local_dispatch_key_set();
    inference_ = c10::InferenceMode::is_enabled();
    ok = inference_ ? keys.included_ == c10::default_included_set.remove(c10::DispatchKey::ADInplaceOrView) &&
                          keys.excluded_ == (c10::default_excluded_set | c10::autograd_dispatch_keyset)
                    : keys.included_ == c10::default_included_set && keys.excluded_ == c10::default_excluded_set;
  }

  bool ok;
  // A tensor read so far has gradients to be recorded for.
  bool records = false;

  // A dense CPU tensor without special keys (conjugate, quantised, …), one of inference mode inside of it only.
  const at::Tensor& tensor(size_t index) {
    static const at::Tensor undefined;
    double handle;
    if (index >= argc_ || napi_get_value_double(env_, argv_[index], &handle) != napi_ok) return missing(undefined);
    return plain(handle, undefined);
  }

  at::Tensor optional_tensor(size_t index) {
    double handle;
    if (!given(index)) return {};
    if (napi_get_value_double(env_, argv_[index], &handle) != napi_ok) return missing(at::Tensor());
    if (handle == 0) return {};
    return plain(handle, at::Tensor());
  }

  int64_t integer(size_t index) {
    double number;
    if (index >= argc_ || napi_get_value_double(env_, argv_[index], &number) != napi_ok) return missing(int64_t{0});
    return whole(number);
  }

  std::optional<int64_t> optional_integer(size_t index) {
    if (!given(index)) return std::nullopt;
    return integer(index);
  }

  c10::SmallVector<int64_t, 6> integers(size_t index) {
    c10::SmallVector<int64_t, 6> result;
    each(index, [&](double number) { result.push_back(whole(number)); });
    return result;
  }

  bool optional_boolean(size_t index) {
    bool value = false;
    if (given(index) && napi_get_value_bool(env_, argv_[index], &value) != napi_ok) ok = false;
    return value;
  }

  // An array, or one number; nothing for null and undefined.
  c10::SmallVector<int64_t, 6> integers_or_one(size_t index) {
    double number;
    if (!given(index)) return {};
    if (napi_get_value_double(env_, argv_[index], &number) == napi_ok) return {whole(number)};
    return integers(index);
  }

  std::optional<double> optional_number(size_t index) {
    double number;
    if (!given(index)) return std::nullopt;
    if (napi_get_value_double(env_, argv_[index], &number) != napi_ok) return missing(std::optional<double>());
    return number;
  }

  c10::SmallVector<at::Tensor, 4> tensors(size_t index) {
    c10::SmallVector<at::Tensor, 4> result;
    each(index, [&](double handle) {
      result.push_back(plain(handle, at::Tensor()));
      if (!ok) result.clear();
    });
    return result;
  }

  void expect_at_most(size_t count) {
    for (size_t i = count; i < argc_; ++i) {
      if (given(i)) ok = false;
    }
  }

  bool done(at::Tensor tensor, napi_value* result) { return give(addon_, env_, std::move(tensor), result); }

 private:
  template <typename T>
  T missing(T value) {
    ok = false;
    return value;
  }
  const at::Tensor& missing(const at::Tensor& value) {
    ok = false;
    return value;
  }

  bool given(size_t index) const {
    if (index >= argc_) return false;
    napi_valuetype type;
    napi_typeof(env_, argv_[index], &type);
    return type != napi_undefined && type != napi_null;
  }

  const at::Tensor& plain(double handle, const at::Tensor& otherwise) {
    static constexpr c10::DispatchKeySet kPlain({c10::DispatchKey::CPU, c10::DispatchKey::ADInplaceOrView,
                                                 c10::DispatchKey::AutogradCPU, c10::DispatchKey::AutocastCPU});
    if (!addon_.tensors.is_live(handle)) return missing(otherwise);
    const at::Tensor& tensor = addon_.tensors.get(handle);
    static constexpr c10::DispatchKeySet kInference({c10::DispatchKey::CPU, c10::DispatchKey::AutocastCPU});
    if (tensor.key_set() != kPlain && !(inference_ && tensor.key_set() == kInference)) return missing(otherwise);
    if (!records && tensor.requires_grad() && c10::GradMode::is_enabled()) records = true;
    return tensor;
  }

  int64_t whole(double number) {
    if (number != std::floor(number) || std::abs(number) > 4503599627370496.0) return missing(int64_t{0});
    return static_cast<int64_t>(number);
  }

  template <typename Visit>
  void each(size_t index, Visit visit) {
    uint32_t length;
    if (index >= argc_ || napi_get_array_length(env_, argv_[index], &length) != napi_ok) {
      ok = false;
      return;
    }
    for (uint32_t i = 0; i < length && ok; ++i) {
      napi_value element;
      double number;
      if (napi_get_element(env_, argv_[index], i, &element) != napi_ok ||
          napi_get_value_double(env_, element, &number) != napi_ok) {
        ok = false;
        return;
      }
      visit(number);
    }
  }

  Addon& addon_;
  napi_env env_;
  size_t argc_;
  const napi_value* argv_;
  bool inference_;
};

// Live tensors at the first `count` places; one that may be missing stays undefined. No questions are asked about
// modes.
inline bool read_tensors(Addon& addon, napi_env env, size_t argc, const napi_value* argv, at::Tensor* tensors,
                         size_t required, size_t count) {
  if (argc < required || argc > count) return false;
  for (size_t i = 0; i < argc; ++i) {
    double handle = 0;
    if (napi_get_value_double(env, argv[i], &handle) != napi_ok) {
      napi_valuetype type;
      napi_typeof(env, argv[i], &type);
      if (i < required || (type != napi_undefined && type != napi_null)) return false;
    }
    if (i >= required && handle == 0) continue;
    if (!addon.tensors.is_live(handle)) return false;
    tensors[i] = addon.tensors.get(handle);
  }
  return true;
}

}  // namespace noether
