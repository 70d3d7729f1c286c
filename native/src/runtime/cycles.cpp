#include "runtime/cycles.h"

#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include <unordered_map>

#include "napi/callbacks.h"
#include "runtime/garbage.h"
#include "runtime/js_function.h"

namespace noether {

namespace {

using torch::autograd::Node;

// What the live tensors reach in the graphs that autograd recorded: tensors and nodes, with the callbacks that they hold.
class Reach {
 public:
  explicit Reach(std::unordered_map<const void*, std::vector<uint64_t>> callbacks) : callbacks_(std::move(callbacks)) {}

  size_t add(const at::Tensor& tensor) {
    const auto [found, is_new] = index_.emplace(tensor.unsafeGetTensorImpl(), vertices_.size());
    if (is_new) {
      vertices_.push_back({tensor.unsafeGetTensorImpl(), {}, false});
      pending_.push_back({found->second, tensor, nullptr});
    }
    return found->second;
  }

  void walk() {
    while (!pending_.empty()) {
      const Pending next = std::move(pending_.back());
      pending_.pop_back();
      next.node ? walk(next.vertex, *next.node) : walk(next.vertex, next.tensor);
    }
    find_those_with_callbacks();
  }

  // Whether a callback can be reached.
  bool reaches(size_t vertex) const { return vertices_[vertex].reaches; }
  const std::vector<size_t>& next(size_t vertex) const { return vertices_[vertex].next; }
  const std::vector<uint64_t>& callbacks(size_t vertex) const {
    static const std::vector<uint64_t> none;
    const auto found = callbacks_.find(vertices_[vertex].object);
    return found == callbacks_.end() ? none : found->second;
  }
  size_t size() const { return vertices_.size(); }

  // Those that can be reached from `roots`, among those that reach callbacks.
  std::vector<bool> from(std::vector<size_t> roots) const {
    std::vector<bool> reached(size());
    while (!roots.empty()) {
      const size_t vertex = roots.back();
      roots.pop_back();
      if (reached[vertex] || !reaches(vertex)) continue;
      reached[vertex] = true;
      roots.insert(roots.end(), next(vertex).begin(), next(vertex).end());
    }
    return reached;
  }

 private:
  struct Vertex {
    const void* object;
    std::vector<size_t> next;
    bool reaches;
  };
  struct Pending {
    size_t vertex;
    at::Tensor tensor;
    Node* node;
  };

  size_t add(Node* node) {
    const auto [found, is_new] = index_.emplace(node, vertices_.size());
    if (is_new) {
      vertices_.push_back({node, {}, false});
      pending_.push_back({found->second, {}, node});
    }
    return found->second;
  }

  void link(size_t from, size_t to) { vertices_[from].next.push_back(to); }

  void walk(size_t vertex, const at::Tensor& tensor) {
    const auto* meta = torch::autograd::impl::get_autograd_meta(tensor);
    if (!meta) return;
    if (meta->grad_fn_) link(vertex, add(&*meta->grad_fn_));
    if (meta->grad_.defined()) link(vertex, add(meta->grad_));
    const auto* view = torch::autograd::impl::get_view_autograd_meta(tensor);
    if (view && view->has_bw_view()) link(vertex, add(view->get_backward_view().base_));
  }

  void walk(size_t vertex, Node& node) {
    for (const auto& edge : node.next_edges()) {
      if (edge.function) link(vertex, add(&*edge.function));
    }
    if (const auto* leaf = dynamic_cast<const torch::autograd::AccumulateGrad*>(&node)) {
      if (leaf->variable.defined()) link(vertex, add(leaf->variable));
    } else if (const auto* own = dynamic_cast<const JsNode*>(&node)) {
      for (const SavedTensor& saved : own->saved()) {
        if (saved.history()) link(vertex, add(&*saved.history()));
      }
    }
  }

  void find_those_with_callbacks() {
    std::vector<std::vector<size_t>> before(size());
    std::vector<size_t> found;
    for (size_t vertex = 0; vertex < size(); ++vertex) {
      for (const size_t to : next(vertex)) before[to].push_back(vertex);
      if (!callbacks(vertex).empty()) found.push_back(vertex);
    }
    while (!found.empty()) {
      const size_t vertex = found.back();
      found.pop_back();
      if (vertices_[vertex].reaches) continue;
      vertices_[vertex].reaches = true;
      found.insert(found.end(), before[vertex].begin(), before[vertex].end());
    }
  }

  std::unordered_map<const void*, std::vector<uint64_t>> callbacks_;
  std::unordered_map<const void*, size_t> index_;
  std::vector<Vertex> vertices_;
  std::vector<Pending> pending_;
};

}  // namespace

LooseCallbacks::LooseCallbacks(Addon& addon, Napi::Env env) : addon_(addon) {
  std::unordered_map<const void*, std::vector<uint64_t>> callbacks;
  for (const auto& [id, entry] : addon.callbacks->entries()) {
    if (entry.owner) callbacks[entry.owner].push_back(id);
  }
  if (callbacks.empty()) return;
  Reach reach(std::move(callbacks));

  std::unordered_map<double, napi_ref> objects;
  for (const Garbage::Tracked& tracked : addon.garbage->tracked()) objects.emplace(tracked.handle, tracked.object);
  std::vector<std::pair<napi_ref, size_t>> owned;
  std::vector<size_t> held, loose;
  addon.tensors.for_each([&](double handle, const at::Tensor& tensor) {
    const auto object = objects.find(handle);
    const size_t vertex = reach.add(tensor);
    if (object == objects.end()) {
      held.push_back(vertex);  // by a scope
    } else {
      owned.emplace_back(object->second, vertex);
      loose.push_back(vertex);
    }
  });
  reach.walk();

  // No handle made below may outlive this block: it would keep what V8 is to judge.
  const Napi::HandleScope scope(env);
  const Napi::Object edges = env.Global().Get("WeakMap").As<Napi::Function>().New({});
  const auto set = edges.Get("set").As<Napi::Function>();
  std::unordered_map<size_t, Napi::Array> cells;
  for (size_t vertex = 0; vertex < reach.size(); ++vertex) {
    if (reach.reaches(vertex)) cells.emplace(vertex, Napi::Array::New(env));
  }
  for (auto& [vertex, cell] : cells) {
    for (const uint64_t id : reach.callbacks(vertex)) cell.Set(cell.Length(), addon.callbacks->value(id));
    for (const size_t to : reach.next(vertex)) {
      if (reach.reaches(to)) cell.Set(cell.Length(), cells.at(to));
    }
  }
  for (const auto& [object, vertex] : owned) {
    napi_value value = nullptr;
    if (!reach.reaches(vertex) || napi_get_reference_value(env, object, &value) != napi_ok || !value) continue;
    set.Call(edges, {value, cells.at(vertex)});
  }
  edges_ = Napi::Persistent(edges);

  const std::vector<bool> is_held = reach.from(held), is_owned = reach.from(loose);
  for (size_t vertex = 0; vertex < reach.size(); ++vertex) {
    if (is_held[vertex] || !is_owned[vertex]) continue;
    for (const uint64_t id : reach.callbacks(vertex)) {
      addon.callbacks->entries().at(id).reference.Unref();
      loosened_.push_back(id);
    }
  }
}

LooseCallbacks::~LooseCallbacks() {
  // One that was collected stays empty; its owner ends with the tensors that are freed now.
  for (const uint64_t id : loosened_) addon_.callbacks->entries().at(id).reference.Ref();
}

}  // namespace noether
