#include "napi/arguments.h"

#include <cmath>

namespace noether {

std::string kind_of(Napi::Env env, napi_value raw) {
  const Napi::Value value(env, raw);
  if (value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  if (value.IsBoolean()) return "a boolean";
  if (value.IsNumber()) return "the number " + value.ToString().Utf8Value();
  if (value.IsBigInt()) return "a bigint";
  if (value.IsString()) {
    char text[164];  // 40 characters of at most 4 bytes
    size_t length = 0;
    napi_get_value_string_utf8(env, raw, text, sizeof text, &length);
    std::string start(text, length);
    if (length > 40) {
      size_t end = 40;
      while (end > 0 && (static_cast<unsigned char>(start[end]) & 0xC0) == 0x80) --end;  // whole characters only
      start.resize(end);
      start += "…";
    }
    return "the string \"" + start + "\"";
  }
  if (value.IsFunction()) return "a function";
  if (value.IsArray()) return "an array";
  if (value.IsTypedArray()) return "a typed array";
  if (value.IsSymbol()) return "a symbol";
  return "an object";
}

namespace {

size_t element_size(napi_typedarray_type type) {
  constexpr int kFloat16Array = 11;  // newer than the headers of some Nodes that we support
  if (static_cast<int>(type) == kFloat16Array) return 2;
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 1;
  }
}

}  // namespace

void Arguments::mismatch(size_t index, const char* name, const char* expected) const {
  fail("ERR_ARGUMENT",
       std::string("expected ") + expected + " for \"" + name + "\", got " + kind_of(env(), info_[index]));
}

bool Arguments::is_missing(size_t index) const {
  return info_[index].IsUndefined() || info_[index].IsNull();
}

double Arguments::number(size_t index, const char* name) const {
  if (!info_[index].IsNumber()) mismatch(index, name, "a number");
  return info_[index].As<Napi::Number>().DoubleValue();
}

int64_t Arguments::integer(size_t index, const char* name) const {
  const Napi::Value value = info_[index];
  if (value.IsBigInt()) {
    bool lossless = false;
    const int64_t result = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) mismatch(index, name, "an integer of 64 bits");
    return result;
  }
  if (!value.IsNumber()) mismatch(index, name, "an integer");
  const double result = value.As<Napi::Number>().DoubleValue();
  if (result != std::floor(result) || std::abs(result) > 9007199254740992.0) mismatch(index, name, "an integer");
  return static_cast<int64_t>(result);
}

bool Arguments::boolean(size_t index, const char* name) const {
  if (!info_[index].IsBoolean()) mismatch(index, name, "a boolean");
  return info_[index].As<Napi::Boolean>().Value();
}

std::string Arguments::string(size_t index, const char* name) const {
  if (!info_[index].IsString()) mismatch(index, name, "a string");
  return info_[index].As<Napi::String>().Utf8Value();
}

uint64_t Arguments::seed(size_t index, const char* name) const {
  const Napi::Value value = info_[index];
  if (value.IsBigInt()) {
    bool lossless = false;
    return value.As<Napi::BigInt>().Uint64Value(&lossless);
  }
  return static_cast<uint64_t>(integer(index, name));
}

std::vector<int64_t> Arguments::integers(size_t index, const char* name) const {
  if (!info_[index].IsArray()) mismatch(index, name, "an array of integers");
  const auto array = info_[index].As<Napi::Array>();
  std::vector<int64_t> result(array.Length());
  for (uint32_t i = 0; i < result.size(); ++i) {
    const Napi::Value value = array.Get(i);
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
    if (!(number == std::floor(number) && std::abs(number) <= 9007199254740992.0)) {
      mismatch(index, name, "an array of integers");
    }
    result[i] = static_cast<int64_t>(number);
  }
  return result;
}

at::ScalarType Arguments::scalar_type(size_t index, const char* name) const {
  const int64_t code = integer(index, name);
  if (code < 0 || code >= static_cast<int64_t>(at::ScalarType::Undefined)) {
    fail("ERR_ARGUMENT", std::string("expected a dtype for \"") + name + "\", got the number " + std::to_string(code));
  }
  return static_cast<at::ScalarType>(code);
}

Napi::Function Arguments::function(size_t index, const char* name) const {
  if (!info_[index].IsFunction()) mismatch(index, name, "a function");
  return info_[index].As<Napi::Function>();
}

at::Tensor Arguments::tensor(size_t index, const char* name) const {
  if (!info_[index].IsNumber()) mismatch(index, name, "a tensor");
  return addon_.tensors.get(info_[index].As<Napi::Number>().DoubleValue());
}

at::Tensor Arguments::optional_tensor(size_t index, const char* name) const {
  if (is_missing(index) || (info_[index].IsNumber() && number(index, name) == 0)) return at::Tensor();
  return tensor(index, name);
}

std::vector<double> Arguments::handles(size_t index, const char* name) const {
  const Napi::Value value = info_[index];
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float64_array) {
    const auto array = value.As<Napi::Float64Array>();
    if (array.ElementLength() == 0) return {};
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  if (!value.IsArray()) mismatch(index, name, "a list of tensors");
  const auto array = value.As<Napi::Array>();
  std::vector<double> result(array.Length());
  for (uint32_t i = 0; i < result.size(); ++i) {
    const Napi::Value element = array.Get(i);
    if (element.IsNull() || element.IsUndefined()) {
      result[i] = 0;
    } else if (element.IsNumber()) {
      result[i] = element.As<Napi::Number>().DoubleValue();
    } else {
      mismatch(index, name, "a list of tensors");
    }
  }
  return result;
}

std::vector<at::Tensor> Arguments::tensors(size_t index, const char* name, bool allow_none) const {
  const std::vector<double> list = handles(index, name);
  std::vector<at::Tensor> result;
  result.reserve(list.size());
  for (const double handle : list) {
    if (handle == 0 && allow_none) {
      result.emplace_back();
    } else {
      result.push_back(addon_.tensors.get(handle));
    }
  }
  return result;
}

Arguments::Bytes Arguments::bytes(size_t index, const char* name) const {
  // Raw, since the C++ wrapper knows no SharedArrayBuffer.
  const napi_value value = info_[index];
  napi_value buffer;
  void* data = nullptr;
  size_t length = 0;
  bool is_view = false;
  napi_typedarray_type type;
  if (info_[index].IsTypedArray()) {
    is_view = napi_get_typedarray_info(env(), value, &type, &length, &data, &buffer, nullptr) == napi_ok;
    length *= element_size(type);
  } else if (info_[index].IsDataView()) {
    is_view = napi_get_dataview_info(env(), value, &length, &data, &buffer, nullptr) == napi_ok;
  }
  if (!is_view) mismatch(index, name, "a typed array");
  return {Napi::Object(env(), buffer), static_cast<uint8_t*>(data), length};
}

}  // namespace noether
