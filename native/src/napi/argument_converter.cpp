#include "napi/argument_converter.h"

#include <ATen/core/List.h>

#include <cmath>
#include <optional>

#include "napi/arguments.h"

namespace noether {

namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;

ArgumentKind kind_of_type(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
      return ArgumentKind::kTensor;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return ArgumentKind::kInt;
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType:
      return ArgumentKind::kFloat;
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType:
      return ArgumentKind::kBool;
    case c10::TypeKind::NumberType:
      return ArgumentKind::kScalar;
    case c10::TypeKind::StringType:
      return ArgumentKind::kString;
    case c10::TypeKind::DeviceObjType:
      return ArgumentKind::kDevice;
    case c10::TypeKind::GeneratorType:
      return ArgumentKind::kGenerator;
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::MemoryFormatType:
      return ArgumentKind::kCode;
    default:
      return ArgumentKind::kUnsupported;
  }
}

ArgumentKind kind_of_list(const c10::Type& element) {
  if (const auto* optional = element.castRaw<c10::OptionalType>()) {
    return optional->getElementType()->kind() == c10::TypeKind::TensorType ? ArgumentKind::kOptionalTensorList
                                                                           : ArgumentKind::kUnsupported;
  }
  switch (kind_of_type(element)) {
    case ArgumentKind::kTensor:
      return ArgumentKind::kTensorList;
    case ArgumentKind::kInt:
      return ArgumentKind::kIntList;
    case ArgumentKind::kFloat:
      return ArgumentKind::kFloatList;
    case ArgumentKind::kBool:
      return ArgumentKind::kBoolList;
    case ArgumentKind::kScalar:
      return ArgumentKind::kScalarList;
    case ArgumentKind::kString:
      return ArgumentKind::kStringList;
    default:
      return ArgumentKind::kUnsupported;
  }
}

napi_valuetype type_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type;
}

bool read_double(napi_env env, napi_value value, double* result) {
  return napi_get_value_double(env, value, result) == napi_ok;
}

bool read_integer(napi_env env, napi_value value, int64_t* result) {
  double number;
  if (read_double(env, value, &number)) {
    if (number != std::floor(number) || std::abs(number) > kMaxSafeInteger) return false;
    *result = static_cast<int64_t>(number);
    return true;
  }
  bool lossless = false;
  return napi_get_value_bigint_int64(env, value, result, &lossless) == napi_ok && lossless;
}

// An integral number is an int scalar, any other a double; JavaScript does not tell 1 from 1.0.
std::optional<at::Scalar> read_scalar(napi_env env, napi_value value) {
  double number;
  if (read_double(env, value, &number)) {
    if (number == std::floor(number) && std::abs(number) <= kMaxSafeInteger && !(number == 0 && std::signbit(number))) {
      return at::Scalar(static_cast<int64_t>(number));
    }
    return at::Scalar(number);
  }
  switch (type_of(env, value)) {
    case napi_boolean: {
      bool boolean;
      napi_get_value_bool(env, value, &boolean);
      return at::Scalar(boolean);
    }
    case napi_bigint: {
      int64_t integer;
      if (read_integer(env, value, &integer)) return at::Scalar(integer);
      uint64_t large;
      bool lossless = false;
      if (napi_get_value_bigint_uint64(env, value, &large, &lossless) == napi_ok && lossless) return at::Scalar(large);
      return std::nullopt;
    }
    case napi_object: {
      napi_value whole;
      double wide;
      // a whole number that counts as a float
      if (napi_get_named_property(env, value, "float", &whole) == napi_ok && read_double(env, whole, &wide)) {
        return at::Scalar(wide);
      }
      napi_value re, im;
      double real, imaginary;
      if (napi_get_named_property(env, value, "re", &re) == napi_ok && read_double(env, re, &real) &&
          napi_get_named_property(env, value, "im", &im) == napi_ok && read_double(env, im, &imaginary)) {
        return at::Scalar(c10::complex<double>(real, imaginary));
      }
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string> read_string(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return std::nullopt;
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

// Runs `visit(element)` for each entry; false when the value is not an array, or when `visit` says so.
template <typename Visit>
bool for_each(napi_env env, napi_value value, Visit visit) {
  uint32_t length;
  bool is_array = false;
  if (napi_is_array(env, value, &is_array) != napi_ok || !is_array) return false;
  if (napi_get_array_length(env, value, &length) != napi_ok) return false;
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    if (napi_get_element(env, value, i, &element) != napi_ok || !visit(element)) return false;
  }
  return true;
}

// Handles from a plain array or a Float64Array; `visit` gets 0 for null and undefined.
template <typename Visit>
bool for_each_handle(napi_env env, napi_value value, Visit visit) {
  bool is_typed = false;
  napi_is_typedarray(env, value, &is_typed);
  if (is_typed) {
    napi_typedarray_type type;
    size_t length;
    void* data;
    napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr);
    if (type != napi_float64_array) return false;
    for (size_t i = 0; i < length; ++i) visit(static_cast<const double*>(data)[i]);
    return true;
  }
  return for_each(env, value, [&](napi_value element) {
    double handle;
    if (read_double(env, element, &handle)) {
      visit(handle);
      return true;
    }
    const napi_valuetype type = type_of(env, element);
    if (type != napi_null && type != napi_undefined) return false;
    visit(0);
    return true;
  });
}

}  // namespace

ArgumentConverter ArgumentConverter::compile(const c10::Argument& argument) {
  ArgumentConverter converter;
  converter.name = argument.name();
  c10::TypePtr type = argument.real_type();
  converter.type = type->annotation_str();
  if (const auto* optional = type->castRaw<c10::OptionalType>()) {
    converter.optional = true;
    type = optional->getElementType();
  }
  if (const auto* list = type->castRaw<c10::ListType>()) {
    converter.kind = kind_of_list(*list->getElementType());
    converter.fixed_size = argument.N().value_or(0);
  } else {
    converter.kind = kind_of_type(*type);
  }
  if (argument.default_value()) {
    converter.has_default = true;
    converter.default_value = *argument.default_value();
  }
  return converter;
}

// The entry that an array was refused for, e.g. "an array with the number 1.5 at position 2".
std::string ArgumentConverter::first_misfit(napi_env env, napi_value array) const {
  const auto fits = [&](napi_value element) {
    int64_t integer;
    double number;
    bool boolean;
    switch (kind) {
      case ArgumentKind::kIntList:
        return read_integer(env, element, &integer);
      case ArgumentKind::kFloatList:
        return read_double(env, element, &number);
      case ArgumentKind::kBoolList:
        return napi_get_value_bool(env, element, &boolean) == napi_ok;
      case ArgumentKind::kScalarList:
        return read_scalar(env, element).has_value();
      case ArgumentKind::kStringList:
        return type_of(env, element) == napi_string;
      default:
        return read_double(env, element, &number);
    }
  };
  std::string text = "an array";
  uint32_t position = 0;
  for_each(env, array, [&](napi_value element) {
    if (fits(element)) return ++position, true;
    double number;
    const bool beyond = kind == ArgumentKind::kIntList && read_double(env, element, &number) &&
                        number == std::floor(number) && std::isfinite(number);
    text += " with " + kind_of(env, element) + " at position " + std::to_string(position) +
            (beyond ? " (whole numbers are exact up to 2^53 - 1: write a larger one as a bigint)" : "");
    return false;
  });
  return text;
}

void ArgumentConverter::mismatch(napi_env env, napi_value value) const {
  static constexpr const char* kExpected[] = {
      "a tensor",
      "an integer",
      "a number",
      "a boolean",
      "a number",
      "a string",
      "a device",
      "a generator",
      "a dtype, layout or memory format code",
      "a list of tensors",
      "a list of tensors or null",
      "an array of integers",
      "an array of numbers",
      "an array of booleans",
      "an array of numbers",
      "an array of strings",
      "nothing (this type cannot be passed)",
  };
  std::string came = value ? kind_of(env, value) : "nothing";
  bool is_array = false;
  if (value && napi_is_array(env, value, &is_array) == napi_ok && is_array) came = first_misfit(env, value);
  if (kind == ArgumentKind::kUnsupported) {
    fail("ERR_UNSUPPORTED", "argument \"" + name + "\" has the type " + type + ", which JavaScript cannot pass");
  }
  fail("ERR_ARGUMENT", std::string("expected ") + kExpected[static_cast<int>(kind)] + (optional ? " or null" : "") +
                           " for \"" + name + "\", got " + came);
}

void ArgumentConverter::push(Addon& addon, napi_env env, napi_value value, torch::jit::Stack& stack) const {
  if (value && kind == ArgumentKind::kTensor) {
    double handle;
    if (read_double(env, value, &handle)) {
      if (handle == 0 && optional) {
        stack.emplace_back();
      } else {
        stack.emplace_back(addon.tensors.get(handle));
      }
      return;
    }
  }
  const napi_valuetype type = value ? type_of(env, value) : napi_undefined;
  if (type == napi_undefined) {
    if (has_default) {
      stack.push_back(default_value);
    } else if (optional) {
      stack.emplace_back();
    } else {
      mismatch(env, nullptr);
    }
    return;
  }
  if (type == napi_null && optional) {
    stack.emplace_back();
    return;
  }
  switch (kind) {
    case ArgumentKind::kInt:
    case ArgumentKind::kCode: {
      int64_t integer;
      if (!read_integer(env, value, &integer)) mismatch(env, value);
      // Kernels index tables with these codes unchecked.
      if (kind == ArgumentKind::kCode && (integer < 0 || integer >= static_cast<int64_t>(at::ScalarType::Undefined))) {
        mismatch(env, value);
      }
      stack.emplace_back(integer);
      return;
    }
    case ArgumentKind::kFloat: {
      double number;
      if (!read_double(env, value, &number)) mismatch(env, value);
      stack.emplace_back(number);
      return;
    }
    case ArgumentKind::kBool: {
      bool boolean;
      if (napi_get_value_bool(env, value, &boolean) != napi_ok) mismatch(env, value);
      stack.emplace_back(boolean);
      return;
    }
    case ArgumentKind::kScalar: {
      const auto scalar = read_scalar(env, value);
      if (!scalar) mismatch(env, value);
      stack.emplace_back(*scalar);
      return;
    }
    case ArgumentKind::kString: {
      auto text = read_string(env, value);
      if (!text) mismatch(env, value);
      stack.emplace_back(std::move(*text));
      return;
    }
    case ArgumentKind::kDevice: {
      const auto text = read_string(env, value);
      if (!text) mismatch(env, value);
      stack.emplace_back(at::Device(*text));
      return;
    }
    case ArgumentKind::kGenerator: {
      int64_t id;
      if (!read_integer(env, value, &id)) mismatch(env, value);
      if (id < 0 || static_cast<size_t>(id) >= addon.generators.size() || !addon.generators[id].defined()) {
        fail("ERR_DISPOSED", "the generator for \"" + name + "\" was disposed, or belongs to another thread");
      }
      stack.emplace_back(addon.generators[id]);
      return;
    }
    case ArgumentKind::kTensor:
    case ArgumentKind::kUnsupported:
      mismatch(env, value);
    default:
      stack.push_back(list(addon, env, value));
  }
}

at::IValue ArgumentConverter::list(Addon& addon, napi_env env, napi_value value) const {
  switch (kind) {
    case ArgumentKind::kTensorList: {
      c10::List<at::Tensor> result;
      if (!for_each_handle(env, value, [&](double handle) { result.push_back(addon.tensors.get(handle)); })) {
        mismatch(env, value);
      }
      return result;
    }
    case ArgumentKind::kOptionalTensorList: {
      c10::List<std::optional<at::Tensor>> result;
      if (!for_each_handle(env, value, [&](double handle) {
            result.push_back(handle == 0 ? std::nullopt : std::optional<at::Tensor>(addon.tensors.get(handle)));
          })) {
        mismatch(env, value);
      }
      return result;
    }
    case ArgumentKind::kIntList: {
      c10::List<int64_t> result;
      int64_t integer;
      if (fixed_size > 0 && read_integer(env, value, &integer)) {
        for (int32_t i = 0; i < fixed_size; ++i) result.push_back(integer);
      } else if (!for_each(env, value, [&](napi_value element) {
                   if (!read_integer(env, element, &integer)) return false;
                   result.push_back(integer);
                   return true;
                 })) {
        mismatch(env, value);
      }
      return result;
    }
    case ArgumentKind::kFloatList: {
      c10::List<double> result;
      double number;
      if (fixed_size > 0 && read_double(env, value, &number)) {
        for (int32_t i = 0; i < fixed_size; ++i) result.push_back(number);
      } else if (!for_each(env, value, [&](napi_value element) {
                   if (!read_double(env, element, &number)) return false;
                   result.push_back(number);
                   return true;
                 })) {
        mismatch(env, value);
      }
      return result;
    }
    case ArgumentKind::kBoolList: {
      c10::List<bool> result;
      if (!for_each(env, value, [&](napi_value element) {
            bool boolean;
            if (napi_get_value_bool(env, element, &boolean) != napi_ok) return false;
            result.push_back(boolean);
            return true;
          })) {
        mismatch(env, value);
      }
      return result;
    }
    case ArgumentKind::kScalarList: {
      c10::List<at::Scalar> result;
      if (!for_each(env, value, [&](napi_value element) {
            const auto scalar = read_scalar(env, element);
            if (scalar) result.push_back(*scalar);
            return scalar.has_value();
          })) {
        mismatch(env, value);
      }
      return result;
    }
    default: {
      c10::List<std::string> result;
      if (!for_each(env, value, [&](napi_value element) {
            auto text = read_string(env, element);
            if (text) result.push_back(std::move(*text));
            return text.has_value();
          })) {
        mismatch(env, value);
      }
      return result;
    }
  }
}

}  // namespace noether
