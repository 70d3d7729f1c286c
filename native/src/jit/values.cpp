#include "jit/values.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/jit_type.h>

#include <cmath>
#include <vector>

#include "napi/arguments.h"
#include "napi/to_js.h"

namespace noether {

namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;
// Deeper than any value that a model takes or gives.
constexpr int kMaxDepth = 100;

[[noreturn]] void mismatch(const Napi::Value& value, const c10::Type& type, const std::string& name) {
  fail("ERR_ARGUMENT", "expected " + type.annotation_str() + " for " + name + ", got " + kind_of(value.Env(), value));
}

bool is_nothing(const Napi::Value& value) { return value.IsNull() || value.IsUndefined(); }

// `{ [key]: … }` as encode() of values.ts makes it.
bool is_encoded(const Napi::Value& value, const char* key) {
  return value.IsObject() && !value.IsArray() && value.As<Napi::Object>().Has(key);
}

bool is_complex(const Napi::Value& value) { return is_encoded(value, "re") && is_encoded(value, "im"); }

bool is_integer(const Napi::Value& value) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  return number == std::floor(number) && std::abs(number) <= kMaxSafeInteger;
}

class Reader {
 public:
  explicit Reader(Addon& addon) : addon_(addon) {}

  at::IValue read(const Napi::Value& value, const c10::TypePtr& type, const std::string& name, int depth) const {
    if (depth > kMaxDepth)
      fail("ERR_ARGUMENT", "expected at most " + std::to_string(kMaxDepth) + " levels of nesting for " + name);
    switch (type->kind()) {
      case c10::TypeKind::TensorType:
        if (!is_encoded(value, "tensor")) mismatch(value, *type, name);
        return tensor(value);
      case c10::TypeKind::IntType:
      case c10::TypeKind::SymIntType:
        return integer(value, *type, name);
      case c10::TypeKind::FloatType:
        if (!value.IsNumber()) mismatch(value, *type, name);
        return value.As<Napi::Number>().DoubleValue();
      case c10::TypeKind::ComplexType:
        if (value.IsNumber()) return c10::complex<double>(value.As<Napi::Number>().DoubleValue());
        if (!is_complex(value)) mismatch(value, *type, name);
        return complex(value);
      case c10::TypeKind::NumberType:
        if (value.IsNumber() || value.IsBigInt() || is_complex(value)) return infer(value, name, depth);
        mismatch(value, *type, name);
      case c10::TypeKind::BoolType:
        if (!value.IsBoolean()) mismatch(value, *type, name);
        return value.As<Napi::Boolean>().Value();
      case c10::TypeKind::StringType:
        if (!value.IsString()) mismatch(value, *type, name);
        return value.As<Napi::String>().Utf8Value();
      case c10::TypeKind::DeviceObjType:
        if (!value.IsString()) mismatch(value, *type, name);
        return c10::Device(value.As<Napi::String>().Utf8Value());
      case c10::TypeKind::NoneType:
        if (!is_nothing(value)) mismatch(value, *type, name);
        return {};
      case c10::TypeKind::OptionalType:
        if (is_nothing(value)) return {};
        return read(value, type->expectRef<c10::OptionalType>().getElementType(), name, depth);
      case c10::TypeKind::ListType:
        return list(value, type, name, depth);
      case c10::TypeKind::DictType:
        return dict(value, type, name, depth);
      case c10::TypeKind::TupleType:
        return tuple(value, type, name, depth);
      case c10::TypeKind::UnionType:
        return one_of(value, type, name, depth);
      case c10::TypeKind::AnyType:
        return infer(value, name, depth);
      default:
        fail("ERR_UNSUPPORTED", name + " is of the type " + type->annotation_str() +
                                    ", which has no counterpart in JavaScript");
    }
  }

 private:
  at::IValue tensor(const Napi::Value& value) const {
    const Napi::Value handle = value.As<Napi::Object>().Get("tensor");
    return addon_.tensors.get(handle.IsNumber() ? handle.As<Napi::Number>().DoubleValue() : 0);
  }

  at::IValue complex(const Napi::Value& value) const {
    const auto object = value.As<Napi::Object>();
    const Napi::Value re = object.Get("re");
    const Napi::Value im = object.Get("im");
    if (!re.IsNumber() || !im.IsNumber()) fail("ERR_ARGUMENT", "expected numbers for re and im of a complex number");
    return c10::complex<double>(re.As<Napi::Number>().DoubleValue(), im.As<Napi::Number>().DoubleValue());
  }

  at::IValue integer(const Napi::Value& value, const c10::Type& type, const std::string& name) const {
    if (value.IsBigInt()) {
      bool lossless = false;
      const int64_t number = value.As<Napi::BigInt>().Int64Value(&lossless);
      if (lossless) return number;
      mismatch(value, type, name);
    }
    if (!is_integer(value)) {
      if (value.IsNumber())
        fail("ERR_ARGUMENT", "expected an integer for " + name + ", got " + value.ToString().Utf8Value());
      mismatch(value, type, name);
    }
    return static_cast<int64_t>(value.As<Napi::Number>().DoubleValue());
  }

  at::IValue list(const Napi::Value& value, const c10::TypePtr& type, const std::string& name, int depth) const {
    if (!value.IsArray()) mismatch(value, *type, name);
    const auto array = value.As<Napi::Array>();
    const c10::TypePtr element = type->expectRef<c10::ListType>().getElementType();
    c10::impl::GenericList list(element);
    const uint32_t length = array.Length();
    list.reserve(length);
    for (uint32_t i = 0; i < length; ++i) list.push_back(read(array.Get(i), element, part(name, i), depth + 1));
    return list;
  }

  at::IValue dict(const Napi::Value& value, const c10::TypePtr& type, const std::string& name, int depth) const {
    if (!is_encoded(value, "entries")) mismatch(value, *type, name);
    const auto& expected = type->expectRef<c10::DictType>();
    c10::impl::GenericDict dict(expected.getKeyType(), expected.getValueType());
    each_entry(value, name, [&](const Napi::Value& key, const Napi::Value& entry) {
      dict.insert_or_assign(read(key, expected.getKeyType(), "a key of " + name, depth + 1),
                            read(entry, expected.getValueType(), part(name, key), depth + 1));
    });
    return dict;
  }

  at::IValue tuple(const Napi::Value& value, const c10::TypePtr& type, const std::string& name, int depth) const {
    const auto expected = type->expect<c10::TupleType>();
    const auto& elements = expected->elements();
    std::vector<Napi::Value> given;
    if (expected->schema() != nullptr && is_encoded(value, "entries")) {
      for (const auto& field : expected->schema()->arguments()) {
        given.push_back(value.Env().Undefined());
        each_entry(value, name, [&](const Napi::Value& key, const Napi::Value& entry) {
          if (key.IsString() && key.As<Napi::String>().Utf8Value() == field.name()) given.back() = entry;
        });
      }
    } else {
      if (!value.IsArray()) mismatch(value, *type, name);
      const auto array = value.As<Napi::Array>();
      if (array.Length() != elements.size()) {
        fail("ERR_ARGUMENT", "expected " + std::to_string(elements.size()) + " entries for " + name + ", got " +
                                 std::to_string(array.Length()));
      }
      for (uint32_t i = 0; i < array.Length(); ++i) given.emplace_back(array.Get(i));
    }
    std::vector<at::IValue> values;
    for (size_t i = 0; i < elements.size(); ++i) values.push_back(read(given[i], elements[i], part(name, i), depth + 1));
    return c10::ivalue::Tuple::createNamed(std::move(values), expected);
  }

  at::IValue one_of(const Napi::Value& value, const c10::TypePtr& type, const std::string& name, int depth) const {
    for (const c10::TypePtr& candidate : type->expectRef<c10::UnionType>().containedTypes()) {
      try {
        return read(value, candidate, name, depth + 1);
      } catch (const Error&) {
        // the next one
      }
    }
    mismatch(value, *type, name);
  }

  // Where the schema leaves the type open. An integral number is an int; JavaScript does not tell 1 from 1.0.
  at::IValue infer(const Napi::Value& value, const std::string& name, int depth) const {
    if (depth > kMaxDepth) return read(value, c10::AnyType::get(), name, depth);  // says so
    if (is_nothing(value)) return {};
    if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
    if (value.IsString()) return value.As<Napi::String>().Utf8Value();
    if (value.IsBigInt() || is_integer(value)) return integer(value, *c10::IntType::get(), name);
    if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
    if (is_encoded(value, "tensor")) return tensor(value);
    if (is_complex(value)) return complex(value);
    if (value.IsArray()) {
      const auto array = value.As<Napi::Array>();
      std::vector<at::IValue> values;
      for (uint32_t i = 0; i < array.Length(); ++i) values.push_back(infer(array.Get(i), part(name, i), depth + 1));
      if (values.empty() || !have_one_type(values)) return c10::ivalue::Tuple::create(std::move(values));
      c10::impl::GenericList list(values.front().type());
      for (auto& each : values) list.push_back(std::move(each));
      return list;
    }
    if (is_encoded(value, "entries")) {
      std::vector<at::IValue> keys;
      std::vector<at::IValue> values;
      each_entry(value, name, [&](const Napi::Value& key, const Napi::Value& entry) {
        keys.push_back(infer(key, "a key of " + name, depth + 1));
        values.push_back(infer(entry, part(name, key), depth + 1));
      });
      if (keys.empty() || !have_one_type(keys) || !have_one_type(values))
        fail("ERR_ARGUMENT", "expected keys of one type and values of one type for " + name +
                                 ", as the model does not say which it takes");
      c10::impl::GenericDict dict(keys.front().type(), values.front().type());
      for (size_t i = 0; i < keys.size(); ++i) dict.insert_or_assign(keys[i], values[i]);
      return dict;
    }
    mismatch(value, *c10::AnyType::get(), name);
  }

  static bool have_one_type(const std::vector<at::IValue>& values) {
    for (const auto& value : values) {
      if (*value.type() != *values.front().type()) return false;
    }
    return true;
  }

  template <typename Visit>
  static void each_entry(const Napi::Value& value, const std::string& name, Visit visit) {
    const Napi::Value entries = value.As<Napi::Object>().Get("entries");
    if (!entries.IsArray()) fail("ERR_ARGUMENT", "expected entries for " + name);
    const auto array = entries.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i) {
      const Napi::Value entry = array.Get(i);
      if (!entry.IsArray()) fail("ERR_ARGUMENT", "expected a key and a value for " + name);
      visit(entry.As<Napi::Array>().Get(0u), entry.As<Napi::Array>().Get(1u));
    }
  }

  static std::string part(const std::string& name, size_t index) { return name + "[" + std::to_string(index) + "]"; }
  static std::string part(const std::string& name, const Napi::Value& key) {
    return name + "[" + key.ToString().Utf8Value() + "]";
  }

  Addon& addon_;
};

class Writer {
 public:
  Writer(Addon& addon, Napi::Env env) : addon_(addon), env_(env) {}

  // Tensors of a result that never reached JavaScript.
  void take_back() {
    for (const double handle : handles_) addon_.tensors.free(handle);
  }

  Napi::Value write(const at::IValue& value, int depth) {
    if (depth > kMaxDepth)
      fail("ERR_UNSUPPORTED", "the result nests in more than " + std::to_string(kMaxDepth) + " levels");
    if (value.isTensor()) return tensor(value.toTensor());
    if (value.isTuple()) return tuple(value, depth);
    if (value.isList()) {
      const c10::List<at::IValue> list = value.toList();
      auto array = Napi::Array::New(env_, list.size());
      for (size_t i = 0; i < list.size(); ++i) array.Set(static_cast<uint32_t>(i), write(list.get(i), depth + 1));
      return array;
    }
    if (value.isGenericDict()) {
      std::vector<std::pair<Napi::Value, Napi::Value>> entries;
      for (const auto& entry : value.toGenericDict())
        entries.emplace_back(write(entry.key(), depth + 1), write(entry.value(), depth + 1));
      return entries_of("entries", entries);
    }
    if (value.isEnum()) return write(value.toEnumHolder()->value(), depth + 1);
    if (value.isObject() && !value.toObjectRef().type()->is_module()) return object(value, depth);
    const bool has_counterpart = value.isNone() || value.isInt() || value.isDouble() || value.isBool() ||
                                 value.isString() || value.isDevice() || value.isComplexDouble() || value.isSymInt();
    if (!has_counterpart)
      fail("ERR_UNSUPPORTED",
           "the result holds a " + value.type()->annotation_str() + ", which has no counterpart in JavaScript");
    return {env_, to_js(addon_, env_, at::IValue(value))};
  }

 private:
  Napi::Value tensor(const at::Tensor& tensor) {
    if (!tensor.defined()) return env_.Null();
    const double handle = addon_.tensors.put(tensor);
    handles_.push_back(handle);
    auto result = Napi::Object::New(env_);
    result.Set("tensor", Napi::Number::New(env_, handle));
    return result;
  }

  // One with names becomes an object.
  Napi::Value tuple(const at::IValue& value, int depth) {
    const auto& elements = value.toTupleRef().elements();
    const auto schema = value.type()->expectRef<c10::TupleType>().schema();
    if (schema == nullptr) {
      auto array = Napi::Array::New(env_, elements.size());
      for (size_t i = 0; i < elements.size(); ++i) array.Set(static_cast<uint32_t>(i), write(elements[i], depth + 1));
      return array;
    }
    std::vector<std::pair<Napi::Value, Napi::Value>> fields;
    for (size_t i = 0; i < elements.size(); ++i)
      fields.emplace_back(Napi::String::New(env_, schema->arguments()[i].name()), write(elements[i], depth + 1));
    return entries_of("fields", fields);
  }

  // An instance of a class of the script, by its attributes.
  Napi::Value object(const at::IValue& value, int depth) {
    const auto& instance = value.toObjectRef();
    const auto type = instance.type();
    std::vector<std::pair<Napi::Value, Napi::Value>> fields;
    for (size_t i = 0; i < type->numAttributes(); ++i)
      fields.emplace_back(Napi::String::New(env_, type->getAttributeName(i)), write(instance.getSlot(i), depth + 1));
    return entries_of("fields", fields);
  }

  Napi::Value entries_of(const char* key, const std::vector<std::pair<Napi::Value, Napi::Value>>& entries) {
    auto array = Napi::Array::New(env_, entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      auto entry = Napi::Array::New(env_, 2);
      entry.Set(0u, entries[i].first);
      entry.Set(1u, entries[i].second);
      array.Set(static_cast<uint32_t>(i), entry);
    }
    auto result = Napi::Object::New(env_);
    result.Set(key, array);
    return result;
  }

  Addon& addon_;
  Napi::Env env_;
  std::vector<double> handles_;
};

}  // namespace

at::IValue script_value(Addon& addon, Napi::Value value, const c10::TypePtr& type, const std::string& name) {
  return Reader(addon).read(value, type, name, 0);
}

Napi::Value script_result(Addon& addon, Napi::Env env, const at::IValue& value) {
  Writer writer(addon, env);
  try {
    return writer.write(value, 0);
  } catch (...) {
    writer.take_back();
    throw;
  }
}

}  // namespace noether
