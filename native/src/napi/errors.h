// Errors: everything thrown in C++ reaches JavaScript as an Error with a `code`, never as a crash.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "napi/napi_setup.h"
#include "torch_setup.h"

namespace noether {

// A mistake that we found ourselves (as opposed to one that libtorch reports).
class Error : public std::exception {
 public:
  Error(const char* code, std::string message) : code_(code), message_(std::move(message)) {}
  const char* code() const noexcept { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  const char* code_;
  std::string message_;
};

[[noreturn]] inline void fail(const char* code, std::string message) {
  throw Error(code, std::move(message));
}

// Code and text of the exception in flight; `backtrace` is libtorch's own text, with its C++ trace where
// TORCH_SHOW_CPP_STACKTRACES=1 asks for that.
struct Described {
  std::string code;
  std::string message;
  std::string backtrace;
};
Described describe_current_exception();

// A JavaScript Error from the exception in flight. `operation` names what was called and with what, and leads the
// message.
Napi::Error to_js_error(Napi::Env env, const std::string& operation = "");

// Throws the error in JavaScript, as the last thing before returning there. Where one is pending already, or the worker
// is being terminated and none can be thrown, it does nothing: an exception that left our code would end the process.
void raise(const Napi::Error& error) noexcept;

// Where describing an error failed itself, as it may when memory is short.
void raise_last_resort(napi_env env) noexcept;

// Runs `body`; any C++ exception becomes a JavaScript one. A JavaScript error in flight passes through unchanged.
template <typename Body>
auto guard(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_js_error(env);
  }
}

template <typename Body>
Napi::Value guard(const Napi::CallbackInfo& info, Body&& body) {
  return guard(info.Env(), std::forward<Body>(body));
}

}  // namespace noether
