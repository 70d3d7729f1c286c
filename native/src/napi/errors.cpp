#include "napi/errors.h"

#include <c10/util/Exception.h>

#include <new>

namespace noether {

namespace {

// libtorch appends C++ frames, and for some errors the whole stack, to the text; people need the first part.
std::string without_cxx_frames(std::string message) {
  const size_t frames = message.find("\nException raised from ");
  if (frames != std::string::npos) message.resize(frames);
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  return message;
}

const char* code_of(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error)) return "ERR_OUT_OF_MEMORY";
  if (dynamic_cast<const c10::IndexError*>(&error)) return "ERR_INDEX";
  if (dynamic_cast<const c10::TypeError*>(&error)) return "ERR_TYPE";
  if (dynamic_cast<const c10::ValueError*>(&error)) return "ERR_VALUE";
  if (dynamic_cast<const c10::NotImplementedError*>(&error)) return "ERR_NOT_IMPLEMENTED";
  if (dynamic_cast<const c10::LinAlgError*>(&error)) return "ERR_LINALG";
  return "ERR_TORCH";
}

}  // namespace

Described describe_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what(), ""};
  } catch (const c10::Error& error) {
    return {code_of(error), without_cxx_frames(error.what_without_backtrace()), error.what()};
  } catch (const std::bad_alloc&) {
    return {"ERR_OUT_OF_MEMORY", "out of memory", ""};
  } catch (const std::exception& error) {
    return {"ERR_TORCH", without_cxx_frames(error.what()), error.what()};
  } catch (...) {
    return {"ERR_INTERNAL", "internal: an exception of unknown type", ""};
  }
}

Napi::Error to_js_error(Napi::Env env, const std::string& operation) {
  const Described described = describe_current_exception();
  Napi::Error error =
      Napi::Error::New(env, operation.empty() ? described.message : operation + ": " + described.message);
  error.Set("code", described.code);
  if (!described.backtrace.empty()) {
    error.Value().DefineProperty(
        Napi::PropertyDescriptor::Value("backtrace", Napi::String::New(env, described.backtrace), napi_writable));
  }
  return error;
}

void raise(const Napi::Error& error) noexcept {
  try {
    bool pending = false;
    if (napi_is_exception_pending(error.Env(), &pending) == napi_ok && !pending) error.ThrowAsJavaScriptException();
  } catch (...) {
  }
}

}  // namespace noether
