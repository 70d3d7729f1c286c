#include "napi/to_js.h"

#include <ATen/core/List.h>

#include <cmath>

namespace noether {

namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;

napi_value js_number(napi_env env, double number) {
  napi_value result = nullptr;
  napi_create_double(env, number, &result);
  return result;
}

napi_value js_integer(napi_env env, int64_t integer) {
  if (std::abs(static_cast<double>(integer)) <= kMaxSafeInteger) return js_number(env, static_cast<double>(integer));
  napi_value result = nullptr;
  napi_create_bigint_int64(env, integer, &result);
  return result;
}

// A result that was not made has no value: without this it would be an address of chance.
void require(napi_env env, napi_status status, const char* what) {
  if (status == napi_ok) return;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) throw Napi::Error::New(env);
  fail("ERR_OUT_OF_MEMORY", std::string("JavaScript cannot hold the operator's result, ") + what);
}

napi_value js_string(napi_env env, const std::string& text) {
  napi_value result = nullptr;
  require(env, napi_create_string_utf8(env, text.data(), text.size(), &result), "a text that is too long");
  return result;
}

napi_value js_new_array(napi_env env, size_t length) {
  napi_value result = nullptr;
  require(env, napi_create_array_with_length(env, length, &result), "a list that is too long");
  return result;
}

template <typename List, typename Convert>
napi_value js_array(napi_env env, const List& list, Convert convert) {
  const napi_value result = js_new_array(env, list.size());
  uint32_t index = 0;
  for (auto&& element : list) napi_set_element(env, result, index++, convert(element));
  return result;
}

}  // namespace

napi_value to_js_array(napi_env env, at::IntArrayRef values) {
  return js_array(env, values, [env](int64_t value) { return js_number(env, static_cast<double>(value)); });
}

napi_value to_js(Addon& addon, napi_env env, at::IValue&& value) {
  if (value.isTensor()) {
    at::Tensor tensor = std::move(value).toTensor();
    return js_number(env, tensor.defined() ? addon.tensors.put(std::move(tensor)) : 0);
  }
  if (value.isInt()) return js_integer(env, value.toInt());
  if (value.isDouble()) return js_number(env, value.toDouble());
  if (value.isBool()) {
    napi_value result = nullptr;
    napi_get_boolean(env, value.toBool(), &result);
    return result;
  }
  if (value.isNone()) {
    napi_value result = nullptr;
    napi_get_null(env, &result);
    return result;
  }
  if (value.isString()) return js_string(env, value.toStringRef());
  if (value.isDevice()) return js_string(env, value.toDevice().str());
  if (value.isComplexDouble()) {
    const c10::complex<double> number = value.toComplexDouble();
    napi_value result = nullptr;
    require(env, napi_create_object(env, &result), "a complex number");
    napi_set_named_property(env, result, "re", js_number(env, number.real()));
    napi_set_named_property(env, result, "im", js_number(env, number.imag()));
    return result;
  }
  if (value.isSymInt()) return js_integer(env, value.toSymInt().guard_int(__FILE__, __LINE__));
  if (value.isTuple()) {
    return js_array(env, value.toTupleRef().elements(),
                    [&](const at::IValue& element) { return to_js(addon, env, at::IValue(element)); });
  }
  if (value.isList()) {
    const c10::List<at::IValue> list = value.toList();
    const napi_value result = js_new_array(env, list.size());
    for (size_t i = 0; i < list.size(); ++i) {
      napi_set_element(env, result, i, to_js(addon, env, at::IValue(list.get(i))));
    }
    return result;
  }
  fail("ERR_UNSUPPORTED", "the operator returns a " + value.tagKind() + ", which JavaScript cannot hold");
}

}  // namespace noether
