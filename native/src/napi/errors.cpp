#include "napi/errors.h"

#include <c10/util/Exception.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "napi/callbacks.h"

namespace noether {

namespace {

// libtorch appends C++ frames, and for some errors the whole stack, to the text; people need the first part.
std::string without_cxx_frames(std::string message) {
  const size_t frames = message.find("\nException raised from ");
  if (frames != std::string::npos) message.resize(frames);
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  if (message.find("resize storage that is not resizable") != std::string::npos) {
    message += ": its memory is a JavaScript array's (sharedData, fromBuffer) or a file's; clone() the tensor first";
  }
  return message;
}

// As in PyTorch. Looking up the symbols takes longer than most operators, and memory, which may be what is missing.
bool traces_wanted() {
  static const bool wanted = [] {
    const char* value = std::getenv("TORCH_SHOW_CPP_STACKTRACES");
    return value && std::strcmp(value, "1") == 0;
  }();
  return wanted;
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
    const char* code = code_of(error);
    const char* own = error.what_without_backtrace();
    const bool traced = traces_wanted() && std::strcmp(code, "ERR_OUT_OF_MEMORY") != 0;
    return {code, without_cxx_frames(own), traced ? error.what() : own};
  } catch (const std::bad_alloc&) {
    return {"ERR_OUT_OF_MEMORY", "out of memory", ""};
  } catch (const std::exception& error) {
    return {"ERR_TORCH", without_cxx_frames(error.what()), error.what()};
  } catch (...) {
    return {"ERR_INTERNAL", "internal: an exception of unknown type", ""};
  }
}

Napi::Error to_js_error(Napi::Env env, const std::string& operation) {
  try {
    throw;
  } catch (const JavaScriptError& thrown) {
    const Napi::Error error = thrown.error();
    if (!error.IsEmpty()) return error;
  } catch (...) {
  }
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

void raise_last_resort(napi_env env) noexcept {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "out of memory while describing an error");
  }
}

}  // namespace noether
