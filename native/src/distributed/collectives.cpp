// What the processes of a group do together. Each is started here, in the order of the calls, and waited for elsewhere. Tensors are dense
// and contiguous (lib/torch/distributed sees to it) and written in place. The last argument of each: block instead of giving a promise.
#include <torch/csrc/distributed/c10d/comm.hpp>

#include "distributed/objects.h"
#include "exports.h"

namespace noether {

namespace {

using Tensors = std::vector<at::Tensor>;

// Without their history: a collective is no part of the graph.
Tensors detached(Tensors tensors) {
  for (at::Tensor& tensor : tensors) tensor = tensor.detach();
  return tensors;
}

at::Tensor detached(const Arguments& arguments, size_t index, const char* name) {
  return arguments.tensor(index, name).detach();
}

c10d::ReduceOp operation_argument(const Arguments& arguments, size_t index) {
  const std::string name = arguments.string(index, "op");
  using Op = c10d::ReduceOp;
  const std::pair<const char*, Op::RedOpType> known[] = {
      {"sum", Op::SUM}, {"avg", Op::AVG},   {"product", Op::PRODUCT}, {"min", Op::MIN},
      {"max", Op::MAX}, {"band", Op::BAND}, {"bor", Op::BOR},         {"bxor", Op::BXOR},
  };
  for (const auto& [each, op] : known) {
    if (name == each) return op;
  }
  fail("ERR_ARGUMENT", "expected sum, avg, product, min, max, band, bor or bxor for \"op\", got " + name);
}

// Renamed in libtorch 2.13.
WorkPointer start_all_to_all(
    const GroupPointer& group, at::Tensor& output, at::Tensor& input, std::vector<int64_t>& output_sizes,
    std::vector<int64_t>& input_sizes, const c10d::AllToAllOptions& options) {
#if TORCH_VERSION_MINOR >= 13
  return group->all_to_all_single(output, input, output_sizes, input_sizes, options);
#else
  return group->alltoall_base(output, input, output_sizes, input_sizes, options);
#endif
}

Tensors with(Tensors tensors, const at::Tensor& one) {
  tensors.push_back(one);
  return tensors;
}

// groupAllReduce(group, tensor, op, timeout, blocking)
Napi::Value all_reduce(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  c10d::AllreduceOptions options;
  options.reduceOp = operation_argument(arguments, 2);
  options.timeout = timeout_argument(arguments, 3);
  const bool blocking = arguments.boolean(4, "blocking");
  return settle(addon, arguments.env(), group->allreduce(tensors, options), blocking, tensors);
}

// groupReduce(group, tensor, root, op, timeout, blocking)
Napi::Value reduce(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  c10d::ReduceOptions options;
  options.rootRank = arguments.integer(2, "root");
  options.reduceOp = operation_argument(arguments, 3);
  options.timeout = timeout_argument(arguments, 4);
  const bool blocking = arguments.boolean(5, "blocking");
  return settle(addon, arguments.env(), group->reduce(tensors, options), blocking, tensors);
}

// groupBroadcast(group, tensor, root, timeout, blocking)
Napi::Value broadcast(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  c10d::BroadcastOptions options;
  options.rootRank = arguments.integer(2, "root");
  options.timeout = timeout_argument(arguments, 3);
  const bool blocking = arguments.boolean(4, "blocking");
  return settle(addon, arguments.env(), group->broadcast(tensors, options), blocking, tensors);
}

// groupAllGather(group, outputs, input, timeout, blocking)
Napi::Value all_gather(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  std::vector<Tensors> outputs{detached(arguments.tensors(1, "outputs"))};
  Tensors inputs{detached(arguments, 2, "input")};
  c10d::AllgatherOptions options;
  options.timeout = timeout_argument(arguments, 3);
  const bool blocking = arguments.boolean(4, "blocking");
  return settle(
      addon, arguments.env(), group->allgather(outputs, inputs, options), blocking, with(outputs[0], inputs[0]));
}

// groupGather(group, outputs, input, root, timeout, blocking): outputs at the root only
Napi::Value gather(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  const Tensors given = detached(arguments.tensors(1, "outputs"));
  std::vector<Tensors> outputs;
  if (!given.empty()) outputs.push_back(given);
  Tensors inputs{detached(arguments, 2, "input")};
  c10d::GatherOptions options;
  options.rootRank = arguments.integer(3, "root");
  options.timeout = timeout_argument(arguments, 4);
  const bool blocking = arguments.boolean(5, "blocking");
  return settle(addon, arguments.env(), group->gather(outputs, inputs, options), blocking, with(given, inputs[0]));
}

// groupScatter(group, output, inputs, root, timeout, blocking): inputs at the root only
Napi::Value scatter(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors outputs{detached(arguments, 1, "output")};
  const Tensors given = detached(arguments.tensors(2, "inputs"));
  std::vector<Tensors> inputs;
  if (!given.empty()) inputs.push_back(given);
  c10d::ScatterOptions options;
  options.rootRank = arguments.integer(3, "root");
  options.timeout = timeout_argument(arguments, 4);
  const bool blocking = arguments.boolean(5, "blocking");
  return settle(addon, arguments.env(), group->scatter(outputs, inputs, options), blocking, with(given, outputs[0]));
}

// groupReduceScatter(group, output, inputs, op, timeout, blocking)
Napi::Value reduce_scatter(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors outputs{detached(arguments, 1, "output")};
  std::vector<Tensors> inputs{detached(arguments.tensors(2, "inputs"))};
  c10d::ReduceScatterOptions options;
  options.reduceOp = operation_argument(arguments, 3);
  options.timeout = timeout_argument(arguments, 4);
  const bool blocking = arguments.boolean(5, "blocking");
  return settle(
      addon, arguments.env(), group->reduce_scatter(outputs, inputs, options), blocking, with(inputs[0], outputs[0]));
}

// groupAllToAll(group, output, input, outputSizes, inputSizes, timeout, blocking): sizes along the first dimension
Napi::Value all_to_all(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  at::Tensor output = detached(arguments, 1, "output");
  at::Tensor input = detached(arguments, 2, "input");
  std::vector<int64_t> output_sizes = arguments.integers(3, "outputSizes");
  std::vector<int64_t> input_sizes = arguments.integers(4, "inputSizes");
  c10d::AllToAllOptions options;
  options.timeout = timeout_argument(arguments, 5);
  const bool blocking = arguments.boolean(6, "blocking");
  return settle(
      addon, arguments.env(), start_all_to_all(group, output, input, output_sizes, input_sizes, options), blocking,
      {output, input});
}

// groupSend(group, tensor, destination, tag, blocking)
Napi::Value send(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  const auto destination = static_cast<int>(arguments.integer(2, "destination"));
  const auto tag = static_cast<int>(arguments.integer(3, "tag"));
  const bool blocking = arguments.boolean(4, "blocking");
  return settle(addon, arguments.env(), group->send(tensors, destination, tag), blocking, tensors);
}

// groupRecv(group, tensor, source, tag, blocking) -> the rank that sent; source -1: any
Napi::Value recv(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  const auto source = static_cast<int>(arguments.integer(2, "source"));
  const auto tag = static_cast<int>(arguments.integer(3, "tag"));
  const bool blocking = arguments.boolean(4, "blocking");
  const WorkPointer work =
      source < 0 ? group->recvAnysource(tensors, tag) : group->recv(tensors, source, tag);
  return settle(
      addon, arguments.env(), work, blocking, tensors, [source](Napi::Env env, c10d::Work& ended) -> Napi::Value {
        return Napi::Number::New(env, source < 0 ? ended.sourceRank() : source);
      });
}

// groupBarrier(group, timeout, blocking)
Napi::Value barrier(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  c10d::BarrierOptions options;
  options.timeout = timeout_argument(arguments, 1);
  const bool blocking = arguments.boolean(2, "blocking");
  return settle(addon, arguments.env(), group->barrier(options), blocking, {});
}

// groupBroadcastCoalesced(group, tensors, bufferSize, root, blocking): many tensors in few messages, in place
Napi::Value broadcast_many(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  const Tensors tensors = detached(arguments.tensors(1, "tensors"));
  const auto buffer_size = static_cast<size_t>(arguments.integer(2, "bufferSize"));
  const auto root = static_cast<int>(arguments.integer(3, "root"));
  const bool blocking = arguments.boolean(4, "blocking");
  const Work work = [group, tensors, buffer_size, root]() -> Finish {
    const at::NoGradGuard no_grad;
    c10d::broadcast_coalesced(group, tensors, buffer_size, root);
    return [](Addon&, Napi::Env env) -> Napi::Value { return env.Undefined(); };
  };
  return blocking ? run_now(addon, arguments.env(), work) : run_beside(arguments.env(), work);
}

}  // namespace

void export_collectives(Napi::Env, Napi::Object exports) {
  define<all_reduce>(exports, "groupAllReduce");
  define<reduce>(exports, "groupReduce");
  define<broadcast>(exports, "groupBroadcast");
  define<all_gather>(exports, "groupAllGather");
  define<gather>(exports, "groupGather");
  define<scatter>(exports, "groupScatter");
  define<reduce_scatter>(exports, "groupReduceScatter");
  define<all_to_all>(exports, "groupAllToAll");
  define<send>(exports, "groupSend");
  define<recv>(exports, "groupRecv");
  define<barrier>(exports, "groupBarrier");
  define<broadcast_many>(exports, "groupBroadcastCoalesced");
}

}  // namespace noether
