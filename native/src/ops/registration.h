// How operators of our own are made known to the dispatcher, and called.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <string>

namespace noether {

// The kernel of an operator for some keys of the dispatcher.
template <typename Kernel>
void implement(torch::Library& library, const char* name, Kernel kernel, std::initializer_list<c10::DispatchKey> keys) {
  for (const c10::DispatchKey key : keys) library.impl(name, torch::dispatch(key, kernel));
}

// Defines an operator whose kernel records gradients itself, where they are asked for.
template <typename Kernel>
void define_recording(torch::Library& library, const char* schema, Kernel kernel) {
  library.def(schema);
  const std::string text = schema, name = text.substr(0, text.find('('));
  implement(library, name.c_str(), kernel, {c10::DispatchKey::CompositeExplicitAutograd, c10::DispatchKey::Autograd});
}

// Defines an operator without derivative.
template <typename Kernel>
void define_plain(torch::Library& library, const char* schema, Kernel kernel) {
  library.def(schema, torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, kernel));
}

// An operator of our own by its name, to be called through the dispatcher.
template <typename Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

}  // namespace noether
