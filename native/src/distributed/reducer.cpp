// c10d's reducer: averages gradients over the processes of a group while the backward pass still runs.
//
// Its hooks sit on the leaves of the graph, below JavaScript. Buckets and messages are those of PyTorch's DistributedDataParallel.
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/distributed/c10d/logger.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include <limits>

#include "distributed/objects.h"
#include "exports.h"

namespace noether {

namespace {

struct ReducerOptions {
  GroupPointer group;
  std::vector<at::Tensor> parameters;
  std::vector<std::string> names;
  int64_t bucket_bytes;
  int64_t first_bucket_bytes;
  bool find_unused;
  bool static_graph;
  bool gradient_as_bucket_view;
};

Held make_reducer(const ReducerOptions& options) {
  // One bucket at first, except where it may never be rearranged; the first backward pass tells the order.
  std::vector<size_t> limits{std::numeric_limits<int64_t>::max()};
  if (options.find_unused && !options.static_graph) {
    limits = {static_cast<size_t>(options.bucket_bytes)};
    if (options.first_bucket_bytes < options.bucket_bytes) {
      limits.insert(limits.begin(), static_cast<size_t>(options.first_bucket_bytes));
    }
  }
  const std::vector<bool> sparse(options.parameters.size(), false);
  auto [buckets, used_limits] = c10d::compute_bucket_assignment_by_size(options.parameters, limits, sparse);
  std::reverse(buckets.begin(), buckets.end());
  std::unordered_map<size_t, std::string> names;
  for (size_t i = 0; i < options.names.size(); ++i) names[i] = options.names[i];
  auto reducer = std::make_shared<c10d::Reducer>(
      options.parameters, buckets, options.group->c10d, sparse, options.bucket_bytes, options.find_unused,
      options.gradient_as_bucket_view, names, options.first_bucket_bytes,
      /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false, std::vector<int64_t>());
  if (options.static_graph) reducer->set_static_graph();
  auto logger = std::make_shared<c10d::Logger>(reducer);
  reducer->set_logger(logger);
  return {nullptr, options.group, std::move(reducer), std::move(logger)};
}

// reducer(group, parameters, names, bucketBytes, firstBucketBytes, findUnused, staticGraph, gradientAsBucketView): compares the
// parameters' shapes with those of the first process before.
Napi::Value new_reducer(Addon&, const Arguments& arguments) {
  ReducerOptions options;
  options.group = group_argument(arguments, 0);
  options.parameters = arguments.tensors(1, "parameters");
  options.names = strings(arguments, 2, "names");
  options.bucket_bytes = arguments.integer(3, "bucketBytes");
  options.first_bucket_bytes = arguments.integer(4, "firstBucketBytes");
  options.find_unused = arguments.boolean(5, "findUnused");
  options.static_graph = arguments.boolean(6, "staticGraph");
  options.gradient_as_bucket_view = arguments.boolean(7, "gradientAsBucketView");
  for (const at::Tensor& parameter : options.parameters) {
    if (!parameter.requires_grad() || !parameter.is_leaf()) {
      fail("ERR_ARGUMENT", "expected leaves that require gradients");
    }
  }
  return run_beside(arguments.env(), in_turn(options.group, "DistributedDataParallel", [options]() -> Finish {
    c10d::verify_params_across_processes(options.group->c10d, options.parameters, std::nullopt);
    return [options](Addon&, Napi::Env env) { return hold(env, make_reducer(options)); };
  }));
}

// The first time after a backward pass that was reduced, this arranges the buckets in its order, together with the other processes.
Napi::Value before_forward(Addon&, const Arguments& arguments) {
  const auto reducer = reducer_argument(arguments, 0);
  group_argument(arguments, 0)->order.wait(COLLECTIVE);
  reducer->prepare_for_forward();
  return Napi::Boolean::New(arguments.env(), reducer->rebuild_buckets());
}

// reducerBeforeBackward(reducer, outputs, searches, delays). `searches`: finds the parameters that the outputs do not depend on.
// `delays`: reduces after this backward pass, which learns what a static graph uses.
Napi::Value before_backward(Addon&, const Arguments& arguments) {
  const auto reducer = reducer_argument(arguments, 0);
  const auto outputs = arguments.tensors(1, "outputs");
  const bool searches = arguments.boolean(2, "searches");
  group_argument(arguments, 0)->order.wait(COLLECTIVE);
  reducer->prepare_for_backward(searches ? outputs : std::vector<at::Tensor>());
  if (arguments.boolean(3, "delays")) {
    const auto queued = std::make_shared<bool>(false);
    for (const at::Tensor& output : outputs) {
      if (!output.requires_grad()) continue;
      output.register_hook([reducer, queued](const at::Tensor&) {
        if (*queued) return;
        *queued = true;
        torch::autograd::Engine::get_default_engine().queue_callback([reducer] { reducer->delay_all_reduce(); });
      });
    }
  }
  return arguments.env().Undefined();
}

// After a backward pass: throws where gradients are missing, so that not all of them are averages.
Napi::Value check(Addon&, const Arguments& arguments) {
  reducer_argument(arguments, 0)->check_finalized();
  return arguments.env().Undefined();
}

// Removes the hooks.
Napi::Value close(Addon&, const Arguments& arguments) {
  Held& held = held_argument(arguments, 0);
  held.reducer.reset();
  held.logger.reset();
  held.group.reset();
  return arguments.env().Undefined();
}

}  // namespace

void export_reducer(Napi::Env, Napi::Object exports) {
  define<new_reducer>(exports, "reducer");
  define<before_forward>(exports, "reducerBeforeForward");
  define<before_backward>(exports, "reducerBeforeBackward");
  define<check>(exports, "reducerCheck");
  define<close>(exports, "reducerClose");
}

}  // namespace noether
