// Values for the fake CUDA device, whose kernels do nothing. A dispatch mode on the key `Fake`, which libtorch keeps for
// tensors without data and nothing here uses, stands above every CUDA operator: it computes the operator with the CPU's
// kernel on copies of the arguments, lets the CUDA operator run (it allocates, launches, copies and synchronises as
// always, and is counted), and writes what the CPU found into the memory of its results. While a stream is captured nothing
// is computed; each launch of the graph then does what was recorded.
#include "values.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <mutex>
#include <set>
#include <vector>

#include "attention.h"
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

// The size of the result is in the data, which a real device waits for. By name without namespace: that of our operators
// differs from process to process.
const std::set<std::string> kDataDependent = {"nonzero",           "_unique2", "unique_dim",   "unique_consecutive", "masked_select",
                                              "repeat_interleave", "bincount", "radius_edges", "knn_edges"};

bool is_data_dependent(const c10::FunctionSchema& schema) {
  return kDataDependent.count(schema.name().substr(schema.name().find("::") + 2)) > 0;
}

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

// The state of the device's generator from which an operator draws; nothing where it draws none. In a capture it is where
// the graph will find it at each launch.
std::optional<at::PhiloxCudaState> random_state(const c10::OperatorHandle& op, const Stack& inputs) {
  if (!op.hasTag(at::Tag::nondeterministic_seeded)) return std::nullopt;
  at::Generator generator = at::globalContext().defaultGenerator(c10::Device(c10::kCUDA, device_of(inputs)));
  for (const c10::IValue& input : inputs)
    if (input.isGenerator() && input.toGenerator().defined()) generator = input.toGenerator();
  const std::lock_guard lock(generator.mutex());
  return at::check_generator<at::CUDAGeneratorImpl>(generator)->philox_cuda_state(0);
}

uint64_t seed_of(const at::PhiloxCudaState& state) {
  const auto at_host = [](const int64_t* address) { return static_cast<uint64_t>(*static_cast<const int64_t*>(host(address))); };
  const uint64_t seed = state.captured_ ? at_host(state.seed_.ptr) : state.seed_.val;
  const uint64_t offset = state.captured_ ? at_host(state.offset_.ptr) + state.offset_intragraph_ : state.offset_.val;
  return seed * 0x9e3779b97f4a7c15u + offset;
}

// Random numbers of the CPU from that state, so that they repeat exactly where a GPU's would.
class RandomNumbers {
 public:
  RandomNumbers(const c10::FunctionSchema& schema, const std::optional<at::PhiloxCudaState>& state, Stack& arguments) {
    if (!state) return;
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (schema.arguments()[i].type()->str().rfind("Generator", 0) != 0) continue;
      arguments[i] = at::make_generator<at::CPUGeneratorImpl>(seed_of(*state));
      return;
    }
    before_ = default_generator().get_state();
    default_generator().set_current_seed(seed_of(*state));
  }
  ~RandomNumbers() {
    if (before_.defined()) default_generator().set_state(before_);
  }
  RandomNumbers(const RandomNumbers&) = delete;

 private:
  static at::Generator default_generator() { return at::globalContext().defaultGenerator(c10::kCPU); }
  at::Tensor before_;
};

// Turns arguments into the CPU's results; false where it has no such kernel.
bool compute(const c10::OperatorHandle& op, const std::optional<at::PhiloxCudaState>& random, Stack& stack) {
  try {
    if (auto attention = attention_values(op.schema(), stack)) {
      stack = std::move(*attention);
      return true;
    }
    const RandomNumbers numbers(op.schema(), random, stack);
    op.callBoxed(&stack);
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
             Stack& results) {
  const Uncounted guard;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    if (alias && alias->isWrite()) write(inputs[i], cpu_inputs[i]);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].isNone()) continue;
    if (!results[i].isTensor() && !results[i].isTensorList()) results[i] = values[i];
    else if (!write(results[i], values[i])) results[i] = values[i].toTensor().to(results[i].toTensor().device());
  }
}

// ---- captures: operators are kept, and done when their graph is launched

struct Recorded {
  c10::OperatorHandle op;
  std::optional<at::PhiloxCudaState> random;
  Stack inputs, results;  // over the device's memory, as the host sees it
};

std::map<unsigned long long, std::vector<Recorded>>& tapes() {
  static auto* all = new std::map<unsigned long long, std::vector<Recorded>>;
  return *all;
}

void repeat(unsigned long long capture) {
  const c10::impl::ExcludeDispatchKeyGuard off(c10::DispatchKey::Fake);
  const at::NoGradGuard no_grad;
  for (Recorded& recorded : tapes()[capture]) {
    Stack cpu_inputs;
    for (const c10::IValue& input : recorded.inputs) cpu_inputs.push_back(copied(input));
    Stack values = cpu_inputs;
    if (compute(recorded.op, recorded.random, values))
      fill_in(recorded.op.schema(), recorded.inputs, cpu_inputs, values, recorded.results);
  }
}

void record(unsigned long long capture, const c10::OperatorHandle& op, c10::DispatchKeySet below, Stack* stack) {
  const c10::FunctionSchema& schema = op.schema();
  const bool copies = schema.name() == "aten::copy_" || schema.name() == "aten::_to_copy";
  Recorded recorded{op, {}, {}, {}};
  // numbers and tensors of the host are passed by value, except where they are copied from
  for (auto input = stack->end() - static_cast<ptrdiff_t>(schema.arguments().size()); input != stack->end(); ++input)
    recorded.inputs.push_back(seen_by_host(copies ? *input : by_value(*input)));
  recorded.random = random_state(op, Stack(stack->end() - static_cast<ptrdiff_t>(schema.arguments().size()), stack->end()));
  op.redispatchBoxed(below, stack);
  for (auto result = stack->end() - static_cast<ptrdiff_t>(schema.returns().size()); result != stack->end(); ++result)
    recorded.results.push_back(seen_by_host(*result));
  static const bool listening = [] {
    function<void(void (*)(unsigned long long))>("fake_cuda_on_launch")(&repeat);
    return true;
  }();
  (void)listening;
  tapes()[capture].push_back(std::move(recorded));
}

unsigned long long current_capture() {
  static auto* const call = function<unsigned long long()>("fake_cuda_capture");
  return call();
}

void run(const c10::OperatorHandle& op, c10::DispatchKeySet keys, Stack* stack) {
  const auto below = keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, c10::DispatchKey::Fake);
  const c10::FunctionSchema& schema = op.schema();
  const Stack inputs(stack->end() - static_cast<ptrdiff_t>(schema.arguments().size()), stack->end());
  if (!any_on_device(inputs) || is_composition(op) || is_read_only_view(schema) || kLeft.count(schema.name())) {
    op.redispatchBoxed(below, stack);
    return;
  }
  const c10::impl::ExcludeDispatchKeyGuard off(c10::DispatchKey::Fake);
  if (const unsigned long long capture = current_capture()) {
    record(capture, op, below, stack);
    return;
  }
  Stack cpu_inputs;
  for (const c10::IValue& input : inputs) cpu_inputs.push_back(on_cpu(input));
  Stack values = cpu_inputs;
  const bool computed = compute(op, random_state(op, inputs), values);
  if (computed && is_data_dependent(schema)) {
    count(("synchronize for the size of " + schema.name()).c_str());
    const Uncounted guard;
    torch::jit::drop(*stack, inputs.size());
    for (const c10::IValue& value : values)
      stack->push_back(value.isTensor() ? c10::IValue(value.toTensor().cuda()) : value);
    return;
  }
  op.redispatchBoxed(below, stack);
  if (!computed) return;
  const auto first = stack->end() - static_cast<ptrdiff_t>(schema.returns().size());
  Stack results(first, stack->end());
  fill_in(schema, inputs, cpu_inputs, values, results);
  std::copy(results.begin(), results.end(), first);
}

TORCH_LIBRARY_IMPL(_, Fake, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&run>()); }

}  // namespace

void compute_values_in_this_thread() { c10::impl::tls_set_dispatch_key_included(c10::DispatchKey::Fake, true); }

std::map<std::string, long> take_uncomputed() {
  const std::lock_guard lock(mutex);
  return std::exchange(uncomputed, {});
}

}  // namespace fake
