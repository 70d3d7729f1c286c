// How operators of our own are made known to the dispatcher, and called.
//
// One process may hold several copies of the addon, also of different versions (npm installs them where dependencies
// disagree), all on one dispatcher. So each registers under a namespace of its own, `noether_<where it lies in memory>`,
// and calls no other's; in JavaScript and in messages the namespace is `noether`.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <optional>
#include <string>

namespace noether {

// As TORCH_LIBRARY_FRAGMENT, for our own namespace: NOETHER_LIBRARY(library) { define_plain(library, …); }
#define NOETHER_LIBRARY(library)                                                              \
  static void register_own_operators(torch::Library&);                                        \
  static const noether::OwnLibrary own_library(&register_own_operators, __FILE__, __LINE__);  \
  static void register_own_operators(torch::Library& library)

struct OwnLibrary {
  // Notes the file's registration, for `register_operators`.
  OwnLibrary(void (*run)(torch::Library&), const char* file, int line);
};

// Runs what was noted: once per process and copy, whatever the number of environments.
void register_operators();

// The namespace of this copy in the dispatcher.
const std::string& own_namespace();

// The dispatcher's name of an operator: "noether::rotate" becomes this copy's own, others stay as they are.
std::string dispatcher_name(const std::string& name);
// The way back. Nothing for an operator of another copy.
std::optional<std::string> public_name(const std::string& name);

// The kernel of an operator for some keys of the dispatcher.
template <typename Kernel>
void implement(torch::Library& library, const char* name, Kernel kernel, std::initializer_list<c10::DispatchKey> keys) {
  for (const c10::DispatchKey key : keys) library.impl(name, torch::dispatch(key, kernel));
}

// Defines an operator whose kernel records gradients itself, where they are asked for, and goes to ATen for tensors that are not plain
// (dense.h): that is its rule for vmap too.
template <typename Kernel>
void define_recording(torch::Library& library, const char* schema, Kernel kernel) {
  library.def(schema);
  const std::string text = schema, name = text.substr(0, text.find('('));
  implement(library, name.c_str(), kernel,
            {c10::DispatchKey::CompositeExplicitAutograd, c10::DispatchKey::Autograd,
             c10::DispatchKey::FuncTorchBatched});
}

// Defines an operator without derivative.
template <typename Kernel>
void define_plain(torch::Library& library, const char* schema, Kernel kernel) {
  library.def(schema, torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, kernel));
}

// An operator of our own by its name, to be called through the dispatcher.
template <typename Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char* name) {
  return c10::Dispatcher::singleton()
      .findSchemaOrThrow(dispatcher_name(name).c_str(), "")
      .template typed<Signature>();
}

}  // namespace noether
