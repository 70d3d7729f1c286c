// Levels of vmap, grad and jvp, the tensors that stand for others inside of them, and dual tensors.
#include "transforms/levels.h"

#include <ATen/functorch/ADInterpreters.h>
#include <ATen/functorch/BatchedTensorImpl.h>
#include <ATen/functorch/DynamicLayer.h>
#include <ATen/functorch/TensorWrapper.h>
#include <c10/core/AutogradState.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/forward_grad.h>

#include <mutex>

#include "exports.h"
#include "napi/arguments.h"
#include "napi/describe.h"

namespace noether {

namespace {

using at::functorch::RandomnessType;
using at::functorch::TransformType;

// Never destroyed: a thread may hold it while the process ends.
std::mutex& forward_mutex() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

void leave_forward_level() {
  torch::autograd::ForwardADLevel::release_idx(0);
  forward_mutex().unlock();
}

Napi::Value handle_of(Addon& addon, const Arguments& arguments, at::Tensor tensor) {
  return Napi::Number::New(arguments.env(), tensor.defined() ? addon.tensors.put(std::move(tensor)) : 0);
}

RandomnessType randomness_of(const std::string& name) {
  if (name == "error") return RandomnessType::Error;
  if (name == "same") return RandomnessType::Same;
  if (name == "different") return RandomnessType::Different;
  fail("ERR_ARGUMENT", "expected \"error\", \"same\" or \"different\" for randomness, got " + name);
}

int64_t push(const Arguments& arguments) {
  const std::string kind = arguments.string(0, "kind");
  if (kind == "vmap") {
    const int64_t size = arguments.integer(1, "batchSize");
    if (size < 1) fail("ERR_ARGUMENT", "expected a batch of at least 1, got " + std::to_string(size));
    return at::functorch::initAndPushDynamicLayer(TransformType::Vmap, c10::SymInt(size),
                                                  randomness_of(arguments.string(2, "randomness")));
  }
  if (kind == "grad") {
    return at::functorch::initAndPushDynamicLayer(TransformType::Grad, std::nullopt, std::nullopt,
                                                  c10::GradMode::is_enabled());
  }
  if (kind != "jvp") fail("ERR_ARGUMENT", "expected \"vmap\", \"grad\" or \"jvp\", got " + kind);
  return at::functorch::initAndPushDynamicLayer(TransformType::Jvp, std::nullopt, std::nullopt, std::nullopt,
                                                c10::AutogradState::get_tls_state().get_fw_grad_mode());
}

// pushTransform(kind, batchSize, randomness) -> level
Napi::Value push_transform(Addon& addon, const Arguments& arguments) {
  const int64_t level = push(arguments);
  addon.levels->pushed(level);
  addon.transforms = addon.levels->depth();
  return Napi::Number::New(arguments.env(), static_cast<double>(level));
}

// popTransform(level)
Napi::Value pop_transform(Addon& addon, const Arguments& arguments) {
  addon.levels->pop(arguments.integer(0, "level"));
  addon.transforms = addon.levels->depth();
  return arguments.env().Undefined();
}

// wrapAtLevel(tensor, level): for grad and jvp
Napi::Value wrap_at_level(Addon& addon, const Arguments& arguments) {
  return handle_of(addon, arguments,
                   at::functorch::makeTensorWrapper(arguments.tensor(0, "tensor"), arguments.integer(1, "level")));
}

// unwrapAtLevel(tensor, level): the tensor itself where it is no wrapper of the level, or of one that has ended
Napi::Value unwrap_at_level(Addon& addon, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const auto* wrapper = at::functorch::maybeGetTensorWrapper(tensor);
  const bool own = wrapper && (!wrapper->is_alive() || wrapper->level() == arguments.integer(1, "level"));
  return handle_of(addon, arguments, own ? wrapper->value() : tensor);
}

// requireGradAtLevel(tensor): a wrapper of the innermost level becomes what derivatives are taken by
Napi::Value require_grad_at_level(Addon&, const Arguments& arguments) {
  arguments.tensor(0, "tensor").set_requires_grad(true);
  return arguments.env().Undefined();
}

// addBatchDim(tensor, dim, level)
Napi::Value add_batch_dim(Addon& addon, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const int64_t dim = arguments.integer(1, "dim");
  if (dim < 0 || dim >= tensor.dim()) fail("ERR_ARGUMENT", "internal: a batch dimension that is not there");
  return handle_of(addon, arguments, at::functorch::addBatchDim(tensor, dim, arguments.integer(2, "level")));
}

// removeBatchDim(tensor, level, batchSize, dim): the batch as a dimension of the result; -1: a tensor that does not depend on the batch
Napi::Value remove_batch_dim(Addon& addon, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const int64_t level = arguments.integer(1, "level"), size = arguments.integer(2, "batchSize");
  const int64_t dim = arguments.integer(3, "dim");
  if (dim < -1 || dim > tensor.dim()) fail("ERR_ARGUMENT", "internal: an output dimension that is not there");
  const auto* batched = at::functorch::maybeGetBatchedImpl(tensor);
  if (batched && batched->level() == level) {
    if (dim == -1) {
      fail("ERR_VALUE", "expected a result that does not depend on the batch where outDims is null, got one that does");
    }
    const int64_t from = batched->bdim();
    return handle_of(addon, arguments, from == dim ? batched->value() : batched->value().movedim(from, dim));
  }
  if (dim == -1) return handle_of(addon, arguments, tensor);
  auto sizes = tensor.sizes().vec();
  sizes.insert(sizes.begin() + dim, size);
  return handle_of(addon, arguments, tensor.unsqueeze(dim).expand(sizes));
}

// transformDepth() -> how many levels of vmap, grad and jvp are open
Napi::Value transform_depth(Addon&, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), static_cast<double>(at::functorch::getDynamicLayerStack().size()));
}

// enterForward(): opens the level of forward-mode derivatives, or another use of it
Napi::Value enter_forward(Addon& addon, const Arguments& arguments) {
  addon.levels->enter_forward();
  addon.transforms = addon.levels->depth();
  return arguments.env().Undefined();
}

Napi::Value leave_forward(Addon& addon, const Arguments& arguments) {
  addon.levels->leave_forward();
  addon.transforms = addon.levels->depth();
  return arguments.env().Undefined();
}

void check_forward(const Addon& addon) {
  if (!addon.levels->in_forward()) fail("ERR_AUTOGRAD", "internal: no level of forward-mode derivatives is open");
}

// makeDual(primal, tangent)
Napi::Value make_dual(Addon& addon, const Arguments& arguments) {
  check_forward(addon);
  return handle_of(addon, arguments, at::_make_dual(arguments.tensor(0, "primal"), arguments.tensor(1, "tangent"), 0));
}

// unpackDual(tensor) -> [primal, tangent or 0]
Napi::Value unpack_dual(Addon& addon, const Arguments& arguments) {
  check_forward(addon);
  const auto [primal, tangent] = at::_unpack_dual(arguments.tensor(0, "tensor"), 0);
  Napi::Array result = Napi::Array::New(arguments.env(), 2);
  result.Set(0u, handle_of(addon, arguments, primal));
  result.Set(1u, handle_of(addon, arguments, tangent));
  return result;
}

// hasTangent(tensor)
Napi::Value has_tangent(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), arguments.tensor(0, "tensor")._fw_grad(0).defined());
}

// setForwardGrad(enabled) -> whether tangents were followed before
Napi::Value set_forward_grad(Addon&, const Arguments& arguments) {
  auto& state = c10::AutogradState::get_tls_state();
  const bool before = state.get_fw_grad_mode();
  state.set_fw_grad_mode(arguments.boolean(0, "enabled"));
  return Napi::Boolean::New(arguments.env(), before);
}

}  // namespace

void Levels::pop(int64_t level) {
  if (levels_.empty() || levels_.back() != level) {
    fail("ERR_ARGUMENT", "internal: levels must be left in the reverse order of entering them");
  }
  levels_.pop_back();
  at::functorch::popDynamicLayerAndDeleteMetadata();
}

void Levels::enter_forward() {
  if (forward_ == 0) {
    forward_mutex().lock();
    try {
      torch::autograd::ForwardADLevel::get_next_idx();
    } catch (...) {
      forward_mutex().unlock();
      throw;
    }
  }
  ++forward_;
}

void Levels::leave_forward() {
  if (forward_ == 0) fail("ERR_ARGUMENT", "internal: no level of forward-mode derivatives is open");
  if (--forward_ == 0) leave_forward_level();
}

Levels::~Levels() {
  try {
    while (!levels_.empty()) pop(levels_.back());
    if (forward_ > 0) leave_forward_level();
  } catch (...) {
  }
}

void export_transforms(Napi::Env env, Napi::Object exports) {
  Addon::of(env).levels = std::make_unique<Levels>();
  define<push_transform>(exports, "pushTransform");
  define<pop_transform>(exports, "popTransform");
  define<wrap_at_level>(exports, "wrapAtLevel");
  define<unwrap_at_level>(exports, "unwrapAtLevel");
  define<require_grad_at_level>(exports, "requireGradAtLevel");
  define<add_batch_dim>(exports, "addBatchDim");
  define<remove_batch_dim>(exports, "removeBatchDim");
  define<transform_depth>(exports, "transformDepth");
  define<enter_forward>(exports, "enterForward");
  define<leave_forward>(exports, "leaveForward");
  define<make_dual>(exports, "makeDual");
  define<unpack_dual>(exports, "unpackDual");
  define<has_tangent>(exports, "hasTangent");
  define<set_forward_grad>(exports, "setForwardGrad");
}

}  // namespace noether
