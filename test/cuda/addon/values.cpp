// Values for the fake CUDA device, whose kernels do nothing. A dispatch mode on the key `Fake`, which libtorch keeps for
// tensors without data and nothing here uses, stands above every CUDA operator: it computes the operator with the CPU's
// kernel on copies of the arguments, lets the CUDA operator run (it allocates, launches, copies and synchronises as
// always, and is counted), and writes what the CPU found into the memory of its results.
#include "values.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <mutex>
#include <set>
#include <vector>

#include "attention.h"
#include "graphs.h"
#include "runtime.h"
#include "tensors.h"

namespace fake {
namespace {

using Stack = torch::jit::Stack;

std::mutex mutex;
std::map<std::string, long> uncomputed;

// Allocation, and questions about tensors: the device's answer is right as it is.
const std::set<std::string> kLeft = {
    "aten::empty",    "aten::empty_strided",  "aten::empty_like",           "aten::new_empty", "aten::new_empty_strided",
    "aten::set_",     "aten::resize_",        "aten::_local_scalar_dense",  "aten::detach",    "aten::is_pinned",
    "aten::_pin_memory", "aten::record_stream", "aten::_fused_sdp_choice"};

// The size of the result is in the data, which a real device waits for.
const std::set<std::string> kDataDependent = {
    "aten::nonzero",    "aten::_unique2",           "aten::unique_dim",       "aten::unique_consecutive",
    "aten::masked_select", "aten::repeat_interleave", "aten::bincount"};

bool is_read_only_view(const c10::FunctionSchema& schema) {
  bool view = false;
  for (const c10::Argument& argument : schema.arguments()) {
    if (const c10::AliasInfo* alias = argument.alias_info()) {
      if (alias->isWrite()) return false;
      view = true;
    }
  }
  return view;
}

// Operators of noether without a kernel for the device are made of others, which the mode sees one by one.
bool is_composition(const c10::OperatorHandle& op) {
  return op.schema().name().rfind("noether", 0) == 0 && !op.hasKernelForDispatchKey(c10::DispatchKey::CUDA);
}

// Random numbers of the CPU from the state of the device's generator, so that they repeat exactly where a GPU's would.
class RandomNumbers {
 public:
  RandomNumbers(const c10::OperatorHandle& op, const Stack& inputs, Stack& cpu_inputs) {
    if (!op.hasTag(at::Tag::nondeterministic_seeded)) return;
    at::Generator device = at::globalContext().defaultGenerator(c10::Device(c10::kCUDA, device_of(inputs)));
    size_t slot = inputs.size();
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (op.schema().arguments()[i].type()->str().rfind("Generator", 0) == 0) slot = i;
      if (inputs[i].isGenerator() && inputs[i].toGenerator().defined()) device = inputs[i].toGenerator();
    }
    const uint64_t seed = device.current_seed() * 0x9e3779b97f4a7c15u + device.get_offset();
    if (slot < inputs.size()) {
      cpu_inputs[slot] = at::make_generator<at::CPUGeneratorImpl>(seed);
    } else {
      before_ = default_generator().get_state();
      default_generator().set_current_seed(seed);
    }
  }
  ~RandomNumbers() {
    if (before_.defined()) default_generator().set_state(before_);
  }
  RandomNumbers(const RandomNumbers&) = delete;

 private:
  static at::Generator default_generator() { return at::globalContext().defaultGenerator(c10::kCPU); }
  at::Tensor before_;
};

// The CPU's results; nothing where it has no such kernel.
bool compute(const c10::OperatorHandle& op, const Stack& inputs, Stack& results) {
  try {
    if (auto attention = attention_values(op.schema(), results)) {
      results = std::move(*attention);
      return true;
    }
    const RandomNumbers numbers(op, inputs, results);
    op.callBoxed(&results);
    return true;
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex);
    if (uncomputed[op.schema().name()]++ == 0 && getenv("FAKE_CUDA_VERBOSE"))
      fprintf(stderr, "%s: %s\n", op.schema().name().c_str(), error.what());
    return false;
  }
}

// Writes values into what the operator changed in place, and into its results.
void fill_in(const c10::FunctionSchema& schema, const Stack& inputs, const Stack& cpu_inputs, const Stack& values,
             Stack& stack) {
  const Uncounted guard;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    if (alias && alias->isWrite()) write(inputs[i], cpu_inputs[i]);
  }
  const size_t first = stack.size() - schema.returns().size();
  for (size_t i = 0; i < values.size(); ++i) {
    c10::IValue& result = stack[first + i];
    if (values[i].isNone()) continue;
    if (!result.isTensor() && !result.isTensorList()) result = values[i];
    else if (!write(result, values[i])) result = values[i].toTensor().to(result.toTensor().device());
  }
}

// At the launch of a graph.
void compute_recorded(const c10::OperatorHandle& op, const Stack& inputs, Stack& results) {
  const c10::impl::ExcludeDispatchKeyGuard off(c10::DispatchKey::Fake);
  const at::NoGradGuard no_grad;
  Stack cpu_inputs;
  for (const c10::IValue& input : inputs) cpu_inputs.push_back(on_cpu(input));
  Stack values = cpu_inputs;
  if (compute(op, inputs, values)) fill_in(op.schema(), inputs, cpu_inputs, values, results);
}

void run(const c10::OperatorHandle& op, c10::DispatchKeySet keys, Stack* stack) {
  const auto below = keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, c10::DispatchKey::Fake);
  const c10::FunctionSchema& schema = op.schema();
  const Stack inputs(stack->end() - schema.arguments().size(), stack->end());
  if (!any_on_device(inputs) || is_composition(op) || is_read_only_view(schema) || kLeft.count(schema.name())) {
    op.redispatchBoxed(below, stack);
    return;
  }
  const c10::impl::ExcludeDispatchKeyGuard off(c10::DispatchKey::Fake);
  if (recording()) {
    op.redispatchBoxed(below, stack);
    note(op, inputs, Stack(stack->end() - schema.returns().size(), stack->end()), &compute_recorded);
    return;
  }
  Stack cpu_inputs;
  for (const c10::IValue& input : inputs) cpu_inputs.push_back(on_cpu(input));
  Stack values = cpu_inputs;
  const bool computed = compute(op, inputs, values);
  if (computed && kDataDependent.count(schema.name())) {
    count(("synchronize for the size of " + schema.name()).c_str());
    const Uncounted guard;
    torch::jit::drop(*stack, inputs.size());
    for (const c10::IValue& value : values)
      stack->push_back(value.isTensor() ? c10::IValue(value.toTensor().cuda()) : value);
    return;
  }
  op.redispatchBoxed(below, stack);
  if (computed) fill_in(schema, inputs, cpu_inputs, values, *stack);
}

TORCH_LIBRARY_IMPL(_, Fake, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&run>()); }

}  // namespace

void compute_values_in_this_thread() { c10::impl::tls_set_dispatch_key_included(c10::DispatchKey::Fake, true); }

std::map<std::string, long> take_uncomputed() {
  const std::lock_guard lock(mutex);
  return std::exchange(uncomputed, {});
}

}  // namespace fake
