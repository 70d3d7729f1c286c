#include <ATen/EmptyTensor.h>
#include <ATen/ScalarOps.h>

#include <cstring>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/describe.h"
#include "napi/to_js.h"
#include "ops/stand_ins.h"
#include "runtime/device_memory.h"
#include "runtime/memory.h"

namespace noether {

namespace {

Napi::Value handle_value(Addon& addon, const Arguments& arguments, at::Tensor tensor) {
  return Napi::Number::New(arguments.env(), tensor.defined() ? addon.tensors.put(std::move(tensor)) : 0);
}

Napi::Value free_many(Addon& addon, const Arguments& arguments) {
  for (const double handle : arguments.handles(0, "handles")) addon.tensors.free(handle);
  return arguments.env().Undefined();
}

Napi::Value alias(Addon& addon, const Arguments& arguments) {
  return handle_value(addon, arguments, arguments.tensor(0, "tensor"));
}

Napi::Value is_live(Addon& addon, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), addon.tensors.is_live(arguments.handle(0, "handle")));
}

Napi::Value shape(Addon&, const Arguments& arguments) {
  return Napi::Value(arguments.env(), to_js_array(arguments.env(), arguments.tensor(0, "tensor").sizes()));
}

Napi::Value strides(Addon&, const Arguments& arguments) {
  return Napi::Value(arguments.env(), to_js_array(arguments.env(), arguments.tensor(0, "tensor").strides()));
}

Napi::Value dtype(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), static_cast<int>(arguments.tensor(0, "tensor").scalar_type()));
}

Napi::Value device(Addon&, const Arguments& arguments) {
  return Napi::String::New(arguments.env(), arguments.tensor(0, "tensor").device().str());
}

Napi::Value info(Addon& addon, const Arguments& arguments) {
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("shape", shape(addon, arguments));
  result.Set("dtype", dtype(addon, arguments));
  result.Set("device", device(addon, arguments));
  return result;
}

Napi::Value storage_offset(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), static_cast<double>(arguments.tensor(0, "tensor").storage_offset()));
}

Napi::Value storage_id(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  return Napi::Number::New(arguments.env(),
                           static_cast<double>(reinterpret_cast<uintptr_t>(tensor.storage().unsafeGetStorageImpl())));
}

Napi::Value storage_bytes(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), static_cast<double>(arguments.tensor(0, "tensor").storage().nbytes()));
}

Napi::Value is_contiguous(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), arguments.tensor(0, "tensor").is_contiguous());
}

// Bytes of a contiguous tensor of this shape; throws where they are not what came.
size_t expect_bytes(const std::vector<int64_t>& shape, at::ScalarType type, size_t came) {
  size_t expected = at::elementSize(type);
  for (const int64_t size : shape) {
    if (size < 0) fail("ERR_ARGUMENT", "expected sizes of 0 or more for \"shape\", got " + std::to_string(size));
    if (size != 0 && expected > SIZE_MAX / 2 / static_cast<size_t>(size)) {
      fail("ERR_ARGUMENT", "\"shape\" describes a tensor larger than the address space");
    }
    expected *= static_cast<size_t>(size);
  }
  if (expected != came) {
    fail("ERR_ARGUMENT", "expected " + std::to_string(expected) + " bytes for this shape of " + dtype_name(type) +
                             ", got " + std::to_string(came));
  }
  return expected;
}

Napi::Value from_bytes(Addon& addon, const Arguments& arguments) {
  const std::vector<int64_t> shape = arguments.integers(1, "shape");
  const at::ScalarType type = arguments.scalar_type(2, "dtype");
  const Arguments::Bytes bytes = arguments.bytes(0, "bytes");
  expect_bytes(shape, type, bytes.length);
  // not by the operator: inside of vmap, grad and jvp that gives what stands for a tensor
  at::Tensor tensor = at::detail::empty_cpu(shape, type, /*pin_memory=*/false, std::nullopt);
  if (bytes.length > 0) std::memcpy(tensor.mutable_data_ptr(), bytes.data, bytes.length);
  return handle_value(addon, arguments, std::move(tensor));
}

Napi::Value from_buffer(Addon& addon, const Arguments& arguments) {
  const std::vector<int64_t> shape = arguments.integers(1, "shape");
  const at::ScalarType type = arguments.scalar_type(2, "dtype");
  const Arguments::Bytes bytes = arguments.bytes(0, "bytes");
  expect_bytes(shape, type, bytes.length);
  if (reinterpret_cast<uintptr_t>(bytes.data) % at::elementSize(type) != 0) {
    fail("ERR_ARGUMENT", "the view is not aligned to the size of its elements: copy it first");
  }
  if (bytes.length == 0) {
    return handle_value(addon, arguments, at::detail::empty_cpu(shape, type, /*pin_memory=*/false, std::nullopt));
  }
  return handle_value(addon, arguments,
                      addon.borrowed.tensor(*addon.callbacks, bytes.buffer, bytes.data, shape, type));
}

// The tensor's values as contiguous bytes on the CPU, conjugation and negation resolved.
at::Tensor contiguous_on_cpu(const at::Tensor& given) {
  const at::Tensor tensor = with_values(given);
  if (tensor.layout() != at::kStrided) fail("ERR_TYPE", "only strided tensors have bytes: call toDense() first");
  // Some derivatives are "zero tensors" without memory; a clone of one has its zeros written out.
  const at::Tensor backed = tensor._is_zerotensor() ? tensor.detach().clone() : tensor.detach();
  return backed.to(at::kCPU).resolve_conj().resolve_neg().contiguous();
}

Napi::Value to_bytes(Addon& addon, const Arguments& arguments) {
  const OutsideTransforms outside;
  at::Tensor tensor = contiguous_on_cpu(arguments.tensor(0, "tensor"));
  if (!arguments.is_missing(1)) tensor = tensor.to(arguments.scalar_type(1, "dtype"));
  Napi::ArrayBuffer buffer = addon.array_buffers.create(tensor.nbytes());
  if (tensor.nbytes() > 0) std::memcpy(buffer.Data(), tensor.const_data_ptr(), tensor.nbytes());
  return buffer;
}

Napi::Value data_buffer(Addon& addon, const Arguments& arguments) {
  const Napi::Env env = arguments.env();
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const bool direct = !is_stand_in(tensor) && tensor.layout() == at::kStrided && tensor.device().is_cpu() && tensor.is_contiguous() &&
                      !tensor.is_conj() && !tensor.is_neg() && !tensor._is_zerotensor() && tensor.nbytes() > 0 &&
                      !touches_borrowed(tensor);
  if (!direct) return env.Null();
  const Napi::ArrayBuffer buffer = addon.array_buffers.over(tensor.storage());
  if (buffer.IsEmpty()) return env.Null();
  Napi::Object result = Napi::Object::New(env);
  result.Set("buffer", buffer);
  result.Set("byteOffset",
             static_cast<double>(tensor.storage_offset()) * static_cast<double>(tensor.element_size()));
  result.Set("byteLength", static_cast<double>(tensor.nbytes()));
  return result;
}

Napi::Value item(Addon& addon, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  if (tensor.numel() != 1) {
    fail("ERR_VALUE", "expected a tensor with one element for item(), got " + describe(tensor) + ": use toArray()");
  }
  const OutsideTransforms outside;
  const at::Scalar scalar = with_values(tensor).item();
  if (scalar.isIntegral(false) && tensor.scalar_type() == at::kUInt64 && scalar.toUInt64() > INT64_MAX) {
    return Napi::BigInt::New(arguments.env(), scalar.toUInt64());
  }
  return Napi::Value(arguments.env(), to_js(addon, arguments.env(), at::IValue(scalar)));
}

// wrappedNumber(value, isFloat): a number as a tensor without dimensions that does not decide the dtype of results
Napi::Value wrapped_number(Addon& addon, const Arguments& arguments) {
  const Napi::Value value = arguments[0];
  const OutsideTransforms outside;
  at::Scalar scalar;
  if (value.IsBoolean()) {
    scalar = value.As<Napi::Boolean>().Value();
  } else if (arguments.boolean(1, "isFloat")) {
    scalar = arguments.number(0, "value");
  } else if (value.IsBigInt()) {
    scalar = static_cast<int64_t>(arguments.seed(0, "value"));
  } else {
    scalar = arguments.integer(0, "value");
  }
  at::Tensor tensor = c10::scalar_to_tensor(scalar);
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return handle_value(addon, arguments, std::move(tensor));
}

Napi::Value set_data(Addon&, const Arguments& arguments) {
  arguments.tensor(0, "tensor").set_data(arguments.tensor(1, "data"));
  return arguments.env().Undefined();
}

Napi::Value memory(Addon& addon, const Arguments& arguments) {
  const AllocatedBytes bytes = allocated_bytes();
  Napi::Object result = Napi::Object::New(arguments.env());
  result.Set("tensors", static_cast<double>(addon.tensors.live()));
  result.Set("peakTensors", static_cast<double>(addon.tensors.peak()));
  result.Set("bytes", static_cast<double>(bytes.now));
  result.Set("peakBytes", static_cast<double>(bytes.peak));
  return result;
}

Napi::Value reset_peak_memory(Addon& addon, const Arguments& arguments) {
  addon.tensors.reset_peak();
  reset_peak_bytes();
  return arguments.env().Undefined();
}

Napi::Value empty_memory_cache(Addon&, const Arguments& arguments) {
  empty_cache();
  empty_device_caches();
  return arguments.env().Undefined();
}

}  // namespace

void export_tensor(Napi::Env, Napi::Object exports) {
  define<free_many>(exports, "freeMany");
  define<alias>(exports, "alias");
  define<is_live>(exports, "isLive");
  define<info>(exports, "info");
  define<shape>(exports, "shape");
  define<dtype>(exports, "dtype");
  define<device>(exports, "device");
  define<strides>(exports, "strides");
  define<storage_offset>(exports, "storageOffset");
  define<storage_id>(exports, "storageId");
  define<storage_bytes>(exports, "storageBytes");
  define<is_contiguous>(exports, "isContiguous");
  define<from_bytes>(exports, "fromBytes");
  define<from_buffer>(exports, "fromBuffer");
  define<to_bytes>(exports, "toBytes");
  define<data_buffer>(exports, "dataBuffer");
  define<item>(exports, "item");
  define<wrapped_number>(exports, "wrappedNumber");
  define<set_data>(exports, "setData");
  define<memory>(exports, "memory");
  define<reset_peak_memory>(exports, "resetPeakMemory");
  define<empty_memory_cache>(exports, "emptyCache");
}

}  // namespace noether
