// What the processes of a group do together. Each starts in the order of the calls, once all processes have told that they call the same
// (agreement.h), and is waited for elsewhere. Tensors are dense and contiguous (lib/torch/distributed sees to it) and written in place.
// The last argument of each: block instead of giving a promise.
#include <torch/csrc/distributed/c10d/comm.hpp>

#include "distributed/objects.h"
#include "exports.h"
#include "napi/describe.h"

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
    const C10dGroupPointer& group, at::Tensor& output, at::Tensor& input, std::vector<int64_t>& output_sizes,
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

// What of a tensor has to be the same in all processes, "float32 (2, 3)"; `rows`: sizes along the first dimension may differ.
std::string form(const at::Tensor& tensor, const char* rows = nullptr) {
  std::string text = dtype_name(tensor.scalar_type()) + " (";
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    text += (i ? ", " : "") + (i == 0 && rows ? std::string(rows) : std::to_string(tensor.size(i)));
  }
  text += ")";
  if (!tensor.is_cpu()) text += std::string(" of ") + c10::DeviceTypeName(tensor.device().type(), /*lower_case=*/true);
  return text;
}

// What all processes have to call alike.
std::function<void(const Agreement&)> alike(const std::string& call, std::chrono::milliseconds timeout) {
  return [call, timeout](const Agreement& agreement) { agreement.check(call, timeout); };
}

std::string from(int64_t root) { return " from " + std::to_string(root) + " of "; }
std::string to(int64_t root) { return " to " + std::to_string(root) + " of "; }

// groupAllReduce(group, tensor, op, timeout, blocking)
Napi::Value all_reduce(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  c10d::AllreduceOptions options;
  options.reduceOp = operation_argument(arguments, 2);
  options.timeout = timeout_argument(arguments, 3);
  Call call{group};
  call.agree = alike("allReduce " + arguments.string(2, "op") + " of " + form(tensors[0]), options.timeout);
  call.start = [group, tensors, options]() mutable { return group->c10d->allreduce(tensors, options); };
  call.keep = tensors;
  call.blocking = arguments.boolean(4, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupReduce(group, tensor, root, op, timeout, blocking)
Napi::Value reduce(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  c10d::ReduceOptions options;
  options.rootRank = arguments.integer(2, "root");
  options.reduceOp = operation_argument(arguments, 3);
  options.timeout = timeout_argument(arguments, 4);
  Call call{group};
  call.agree = alike("reduce " + arguments.string(3, "op") + to(options.rootRank) + form(tensors[0]), options.timeout);
  call.start = [group, tensors, options]() mutable { return group->c10d->reduce(tensors, options); };
  call.keep = tensors;
  call.blocking = arguments.boolean(5, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupBroadcast(group, tensor, root, timeout, blocking)
Napi::Value broadcast(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  c10d::BroadcastOptions options;
  options.rootRank = arguments.integer(2, "root");
  options.timeout = timeout_argument(arguments, 3);
  Call call{group};
  call.agree = alike("broadcast" + from(options.rootRank) + form(tensors[0]), options.timeout);
  call.start = [group, tensors, options]() mutable { return group->c10d->broadcast(tensors, options); };
  call.keep = tensors;
  call.blocking = arguments.boolean(4, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupAllGather(group, outputs, input, timeout, blocking)
Napi::Value all_gather(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  std::vector<Tensors> outputs{detached(arguments.tensors(1, "outputs"))};
  Tensors inputs{detached(arguments, 2, "input")};
  c10d::AllgatherOptions options;
  options.timeout = timeout_argument(arguments, 3);
  Call call{group};
  call.agree = alike("allGather of " + form(inputs[0]), options.timeout);
  call.start = [group, outputs, inputs, options]() mutable { return group->c10d->allgather(outputs, inputs, options); };
  call.keep = with(outputs[0], inputs[0]);
  call.blocking = arguments.boolean(4, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupGather(group, outputs, input, root, timeout, blocking): outputs at the root only
Napi::Value gather(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  const Tensors given = detached(arguments.tensors(1, "outputs"));
  std::vector<Tensors> outputs(given.empty() ? 0 : 1, given);
  Tensors inputs{detached(arguments, 2, "input")};
  c10d::GatherOptions options;
  options.rootRank = arguments.integer(3, "root");
  options.timeout = timeout_argument(arguments, 4);
  Call call{group};
  call.agree = alike("gather" + to(options.rootRank) + form(inputs[0]), options.timeout);
  call.start = [group, outputs, inputs, options]() mutable { return group->c10d->gather(outputs, inputs, options); };
  call.keep = with(given, inputs[0]);
  call.blocking = arguments.boolean(5, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupScatter(group, output, inputs, root, timeout, blocking): inputs at the root only
Napi::Value scatter(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors outputs{detached(arguments, 1, "output")};
  const Tensors given = detached(arguments.tensors(2, "inputs"));
  std::vector<Tensors> inputs(given.empty() ? 0 : 1, given);
  c10d::ScatterOptions options;
  options.rootRank = arguments.integer(3, "root");
  options.timeout = timeout_argument(arguments, 4);
  Call call{group};
  call.agree = alike("scatter" + from(options.rootRank) + form(outputs[0]), options.timeout);
  call.start = [group, outputs, inputs, options]() mutable { return group->c10d->scatter(outputs, inputs, options); };
  call.keep = with(given, outputs[0]);
  call.blocking = arguments.boolean(5, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupReduceScatter(group, output, inputs, op, timeout, blocking)
Napi::Value reduce_scatter(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors outputs{detached(arguments, 1, "output")};
  std::vector<Tensors> inputs{detached(arguments.tensors(2, "inputs"))};
  c10d::ReduceScatterOptions options;
  options.reduceOp = operation_argument(arguments, 3);
  options.timeout = timeout_argument(arguments, 4);
  std::string forms;
  for (const at::Tensor& input : inputs[0]) forms += (forms.empty() ? "" : ", ") + form(input);
  Call call{group};
  call.agree = alike("reduceScatter " + arguments.string(3, "op") + " of " + forms, options.timeout);
  call.start = [group, outputs, inputs, options]() mutable {
    return group->c10d->reduce_scatter(outputs, inputs, options);
  };
  call.keep = with(inputs[0], outputs[0]);
  call.blocking = arguments.boolean(5, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupAllToAll(group, output, input, outputSizes, inputSizes, timeout, blocking): sizes along the first dimension
Napi::Value all_to_all(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  at::Tensor output = detached(arguments, 1, "output");
  at::Tensor input = detached(arguments, 2, "input");
  std::vector<int64_t> output_sizes = arguments.integers(3, "outputSizes");
  std::vector<int64_t> input_sizes = arguments.integers(4, "inputSizes");
  const auto size = static_cast<size_t>(group->c10d->getSize());
  if (output_sizes.size() != size || input_sizes.size() != size) {
    fail("ERR_ARGUMENT", "expected a size for each of " + std::to_string(size) + " processes");
  }
  c10d::AllToAllOptions options;
  options.timeout = timeout_argument(arguments, 5);
  Call call{group};
  call.agree = [=, text = "allToAll of " + form(input, "…")](const Agreement& agreement) {
    agreement.check(text, options.timeout);
    agreement.check_rows(input_sizes, output_sizes, options.timeout);
  };
  call.start = [=]() mutable {
    return start_all_to_all(group->c10d, output, input, output_sizes, input_sizes, options);
  };
  call.keep = {output, input};
  call.blocking = arguments.boolean(6, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// Of messages in one direction between two processes with one tag.
std::string order_of(const char* direction, int other, int tag) {
  return direction + std::to_string(other) + "/" + std::to_string(tag);
}

// groupSend(group, tensor, destination, tag, blocking)
Napi::Value send(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  const auto destination = static_cast<int>(arguments.integer(2, "destination"));
  const auto tag = static_cast<int>(arguments.integer(3, "tag"));
  Call call{group, order_of("send/", destination, tag)};
  call.agree = [=](const Agreement& agreement) { agreement.check_send(form(tensors[0]), destination, tag); };
  call.start = [=]() mutable { return group->c10d->send(tensors, destination, tag); };
  call.keep = tensors;
  call.blocking = arguments.boolean(4, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupRecv(group, tensor, source, tag, blocking) -> the rank that sent; source -1: any
Napi::Value recv(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  Tensors tensors{detached(arguments, 1, "tensor")};
  const auto source = static_cast<int>(arguments.integer(2, "source"));
  const auto tag = static_cast<int>(arguments.integer(3, "tag"));
  const auto sender = std::make_shared<int>(source);
  Call call{group, order_of("recv/", source, tag)};
  call.agree = [=](const Agreement& agreement) { *sender = agreement.check_recv(form(tensors[0]), source, tag); };
  call.start = [=]() mutable {
    return *sender < 0 ? group->c10d->recvAnysource(tensors, tag) : group->c10d->recv(tensors, *sender, tag);
  };
  call.keep = tensors;
  call.blocking = arguments.boolean(4, "blocking");
  call.result = [sender](Napi::Env env, c10d::Work& ended) -> Napi::Value {
    return Napi::Number::New(env, *sender < 0 ? ended.sourceRank() : *sender);
  };
  return perform(addon, arguments.env(), std::move(call));
}

// groupBarrier(group, timeout, blocking)
Napi::Value barrier(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  c10d::BarrierOptions options;
  options.timeout = timeout_argument(arguments, 1);
  Call call{group};
  call.agree = alike("barrier", options.timeout);
  call.start = [group, options]() { return group->c10d->barrier(options); };
  call.blocking = arguments.boolean(2, "blocking");
  return perform(addon, arguments.env(), std::move(call));
}

// groupBroadcastCoalesced(group, tensors, bufferSize, root, blocking): many tensors in few messages, in place
Napi::Value broadcast_many(Addon& addon, const Arguments& arguments) {
  const GroupPointer group = group_argument(arguments, 0);
  const Tensors tensors = detached(arguments.tensors(1, "tensors"));
  const auto buffer_size = static_cast<size_t>(arguments.integer(2, "bufferSize"));
  const auto root = static_cast<int>(arguments.integer(3, "root"));
  const bool blocking = arguments.boolean(4, "blocking");
  std::string forms;
  for (const at::Tensor& tensor : tensors) forms += (forms.empty() ? "" : ", ") + form(tensor);
  const std::string name = "broadcast" + from(root) + std::to_string(tensors.size()) + " tensors, " + forms;
  Work work = in_turn(group, name, [group, tensors, buffer_size, root]() -> Finish {
    const at::NoGradGuard no_grad;
    c10d::broadcast_coalesced(group->c10d, tensors, buffer_size, root);
    return [](Addon&, Napi::Env env) -> Napi::Value { return env.Undefined(); };
  });
  return blocking ? run_now(addon, arguments.env(), work) : run_beside(arguments.env(), std::move(work));
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
