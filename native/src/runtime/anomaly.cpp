// Anomaly mode: each node of the graph remembers the JavaScript call that recorded it, and its gradients are looked through for NaN.
//
// libtorch's own anomaly mode is a switch of the process and takes C++ traces. This one is of a thread: nodes get hooks as they are
// recorded, which hold the text of a stack, so that nothing is paid where the mode is off.
#include <ATen/SequenceNumber.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/call_observer.h"
#include "napi/describe.h"

namespace noether {

namespace {

using torch::autograd::Node;
using torch::autograd::variable_list;

// How a node came to be.
struct Origin {
  std::string text;                      // of the JavaScript call
  std::string node;                      // of the backward pass that recorded it, where it was one
  std::shared_ptr<const Origin> parent;  // of that node
};

// What hooks, which may outlive the environment and run on other threads, share with it.
struct State {
  std::atomic<bool> enabled{true};
  std::atomic<bool> check_nan{true};
  std::mutex mutex;  // guards the rest
  // Nodes that are at work; after a failure, innermost last, those that did not end.
  struct Running {
    std::string node;
    std::shared_ptr<const Origin> origin;
    uint64_t first;
  };
  std::unordered_map<std::thread::id, std::vector<Running>> running;
};

std::string describe_origin(const std::string& node, const Origin& origin) {
  std::string text;
  if (!origin.text.empty()) text = "\nForward call of " + node + ":\n" + origin.text;
  if (origin.parent) {
    text += "\n" + node + " was recorded by the backward pass of " + origin.node + "." +
            describe_origin(origin.node, *origin.parent);
  }
  return text;
}

void watch(Node& node, const std::shared_ptr<State>& state, const std::shared_ptr<const Origin>& origin);

// Calls visit(node) for each node that these tensors got since the sequence number `first`.
template <typename Visit>
void each_new_node(const std::vector<at::Tensor>& tensors, uint64_t first, const Visit& visit) {
  constexpr uint64_t kLeaf = std::numeric_limits<uint64_t>::max();
  std::vector<Node*> pending;
  std::unordered_set<Node*> seen;
  const auto add = [&](const auto& node) {
    if (node && node->sequence_nr() >= first && node->sequence_nr() != kLeaf && seen.insert(&*node).second) {
      pending.push_back(&*node);
    }
  };
  for (const at::Tensor& tensor : tensors) {
    if (tensor.defined()) add(tensor.grad_fn());
  }
  while (!pending.empty()) {
    Node* node = pending.back();
    pending.pop_back();
    visit(*node);
    for (const auto& edge : node->next_edges()) add(edge.function);
  }
}

struct Begin final : torch::autograd::FunctionPreHook {
  Begin(const Node& node, std::shared_ptr<State> state, std::shared_ptr<const Origin> origin)
      : name(node.name()), state(std::move(state)), origin(std::move(origin)) {}
  std::string name;
  std::shared_ptr<State> state;
  std::shared_ptr<const Origin> origin;

  variable_list operator()(const variable_list& gradients) override {
    if (state->enabled) {
      const std::lock_guard<std::mutex> lock(state->mutex);
      state->running[std::this_thread::get_id()].push_back({name, origin, at::sequence_number::peek()});
    }
    return gradients;
  }
};

bool has_nan(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.layout() != at::kStrided || tensor.is_meta()) return false;
  if (!tensor.is_floating_point() && !tensor.is_complex()) return false;
  constexpr c10::DispatchKeySet kWrapped({c10::DispatchKey::FuncTorchBatched, c10::DispatchKey::FuncTorchGradWrapper});
  if (tensor.key_set().has_any(kWrapped)) return false;  // has no values of its own
  const at::NoGradGuard no_grad;
  return at::isnan(tensor).any().item<bool>();
}

struct End final : torch::autograd::FunctionPostHook {
  End(const Node& node, std::shared_ptr<State> state, std::shared_ptr<const Origin> origin)
      : name(node.name()), state(std::move(state)), origin(std::move(origin)) {}
  std::string name;
  std::shared_ptr<State> state;
  std::shared_ptr<const Origin> origin;

  variable_list operator()(const variable_list& results, const variable_list&) override {
    if (!state->enabled) return results;
    if (state->check_nan) {
      for (size_t i = 0; i < results.size(); ++i) {
        if (has_nan(results[i])) {
          fail("ERR_AUTOGRAD", name + " returned NaN in gradient " + std::to_string(i));
        }
      }
    }
    uint64_t first = std::numeric_limits<uint64_t>::max();
    {
      const std::lock_guard<std::mutex> lock(state->mutex);
      auto& running = state->running[std::this_thread::get_id()];
      if (!running.empty()) {
        first = running.back().first;
        running.pop_back();
      }
    }
    // With createGraph the pass has recorded nodes itself.
    auto own = std::make_shared<Origin>(Origin{"", name, origin});
    each_new_node(results, first, [&](Node& node) { watch(node, state, own); });
    return results;
  }
};

void watch(Node& node, const std::shared_ptr<State>& state, const std::shared_ptr<const Origin>& origin) {
  for (const auto& hook : node.post_hooks()) {
    if (dynamic_cast<const End*>(hook.get())) return;
  }
  node.add_pre_hook(std::make_unique<Begin>(node, state, origin));
  node.add_post_hook(std::make_unique<End>(node, state, origin));
}

class Anomaly final : public CallObserver {
 public:
  Anomaly(Napi::Function stack, bool check_nan) : stack_(Napi::Persistent(stack)), state_(std::make_shared<State>()) {
    state_->check_nan = check_nan;
  }
  ~Anomaly() override { state_->enabled = false; }
  Anomaly(const Anomaly&) = delete;
  Anomaly& operator=(const Anomaly&) = delete;

  void called(const std::string& operation, uint64_t first, const std::vector<at::Tensor>& tensors) override {
    std::shared_ptr<const Origin> origin;
    each_new_node(tensors, first, [&](Node& node) {
      if (!origin) origin = std::make_shared<Origin>(Origin{stack(operation), "", nullptr});
      watch(node, state_, origin);
    });
  }

  // The node at which the pass on this thread, or on one of its helpers, has failed; empty where none has.
  std::string failure() {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    std::string text;
    for (auto& [thread, running] : state_->running) {
      if (!running.empty() && text.empty()) text = describe_origin(running.back().node, *running.back().origin);
    }
    state_->running.clear();
    return text;
  }

 private:
  std::string stack(const std::string& operation) {
    const Napi::Env env = stack_.Env();
    const Napi::HandleScope scope(env);
    const Napi::Value text = stack_.Call({Napi::String::New(env, operation)});
    return text.IsString() ? text.As<Napi::String>().Utf8Value() : "";
  }

  Napi::FunctionReference stack_;
  std::shared_ptr<State> state_;
};

// setAnomaly(stack, checkNan): from now on; null ends it. `stack(operation)` gives the text of the JavaScript stack.
Napi::Value set_anomaly(Addon& addon, const Arguments& arguments) {
  addon.observer.reset();
  if (!arguments.is_missing(0)) {
    addon.observer = std::make_unique<Anomaly>(arguments.function(0, "stack"), arguments.boolean(1, "checkNan"));
  }
  return arguments.env().Undefined();
}

// anomalyFailure() -> where what the last pass stumbled over was recorded; "" where nothing is known
Napi::Value anomaly_failure(Addon& addon, const Arguments& arguments) {
  auto* anomaly = dynamic_cast<Anomaly*>(addon.observer.get());
  return Napi::String::New(arguments.env(), anomaly ? anomaly->failure() : "");
}

}  // namespace

void export_anomaly(Napi::Env, Napi::Object exports) {
  define<set_anomaly>(exports, "setAnomaly");
  define<anomaly_failure>(exports, "anomalyFailure");
}

}  // namespace noether
