#include "runtime/random_stream.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <mutex>

namespace noether {

namespace {

// Operators that are called below another one (dropout calls bernoulli_) go through the dispatcher as well, so that a key of
// its own sees them all. Nothing of libtorch itself uses this one.
constexpr c10::DispatchKey kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

// libtorch's own thread-local slot and not ours: every copy of the addon has to find what another one set.
const auto kSlot = c10::DebugInfoKind::TEST_INFO_2;

struct Stream final : c10::DebugInfoBase {
  explicit Stream(at::Generator drawn_from) : generator(std::move(drawn_from)) {}
  at::Generator generator;
};

const Stream* current() { return static_cast<const Stream*>(c10::ThreadLocalDebugInfo::get(kSlot)); }

bool is_elsewhere(const c10::IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() && !value.toTensor().is_cpu();
  return value.isDevice() && !value.toDevice().is_cpu();
}

// Fills in an absent generator of an operator on the CPU.
void draw_from_stream(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const Stream* stream = current();
  const auto& arguments = op.schema().arguments();
  if (stream != nullptr && !arguments.empty()) {
    const auto values = torch::jit::last(*stack, arguments.size());
    for (size_t index = 0; index < arguments.size(); ++index) {
      if (!values[index].isNone() || arguments[index].name() != "generator") continue;
      if (std::none_of(values.begin(), values.end(), is_elsewhere)) {
        (*stack)[stack->size() - arguments.size() + index] = stream->generator;
      }
    }
  }
  op.redispatchBoxed(keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kKey), stack);
}

}  // namespace

void install_random_streams() {
  static std::once_flag once;
  std::call_once(once, [] {
    auto& dispatcher = c10::Dispatcher::singleton();
    if (dispatcher.hasBackendFallbackForDispatchKey(kKey)) return;
    // Never destroyed, as the operators.
    static auto* handle = new c10::RegistrationHandleRAII(
        dispatcher.registerFallback(kKey, c10::KernelFunction::makeFromBoxedFunction<&draw_from_stream>(), "noether"));
    static_cast<void>(handle);
  });
}

void enter_random_stream(at::Generator generator) {
  c10::ThreadLocalDebugInfo::_push(kSlot, std::make_shared<Stream>(std::move(generator)));
  c10::impl::tls_set_dispatch_key_included(kKey, true);
}

void exit_random_stream() {
  c10::ThreadLocalDebugInfo::_pop(kSlot);
  c10::impl::tls_set_dispatch_key_included(kKey, current() != nullptr);
}

at::Generator random_stream() {
  const Stream* stream = current();
  return stream == nullptr ? at::Generator() : stream->generator;
}

}  // namespace noether
