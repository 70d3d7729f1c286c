#include "distributed/objects.h"

#include <c10/core/StreamGuard.h>

#include <mutex>

namespace noether {

namespace {

// Groups that nobody closed: they live as long as the process.
void abandon(GroupPointer group) {
  static auto* mutex = new std::mutex();
  static auto* groups = new std::vector<GroupPointer>();
  const std::lock_guard<std::mutex> lock(*mutex);
  groups->push_back(std::move(group));
}

}  // namespace

Napi::Value hold(Napi::Env env, Held held) {
  return Napi::External<Held>::New(env, new Held(std::move(held)), [](Napi::Env, Held* ended) {
    if (ended->group && !ended->reducer) abandon(std::move(ended->group));
    delete ended;
  });
}

Held& held_argument(const Arguments& arguments, size_t index) {
  if (!arguments[index].IsExternal()) fail("ERR_ARGUMENT", "internal: expected a store, a group or a reducer");
  return *arguments[index].As<Napi::External<Held>>().Data();
}

StorePointer store_argument(const Arguments& arguments, size_t index) {
  const Held& held = held_argument(arguments, index);
  if (!held.store) fail("ERR_DISPOSED", "the store was closed");
  return held.store;
}

GroupPointer group_argument(const Arguments& arguments, size_t index) {
  const Held& held = held_argument(arguments, index);
  if (!held.group) fail("ERR_DISPOSED", "the process group was destroyed");
  return held.group;
}

std::shared_ptr<c10d::Reducer> reducer_argument(const Arguments& arguments, size_t index) {
  const Held& held = held_argument(arguments, index);
  if (!held.reducer) fail("ERR_DISPOSED", "the reducer was closed");
  return held.reducer;
}

std::vector<std::string> strings(const Arguments& arguments, size_t index, const char* name) {
  if (!arguments[index].IsArray()) fail("ERR_ARGUMENT", std::string("expected an array for \"") + name + "\"");
  const auto array = arguments[index].As<Napi::Array>();
  std::vector<std::string> result;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value value = array[i];
    if (!value.IsString()) fail("ERR_ARGUMENT", std::string("expected strings in \"") + name + "\"");
    result.push_back(value.As<Napi::String>().Utf8Value());
  }
  return result;
}

std::chrono::milliseconds timeout_argument(const Arguments& arguments, size_t index) {
  if (arguments.is_missing(index)) return c10d::kUnsetTimeout;
  const int64_t milliseconds = arguments.integer(index, "timeout");
  if (milliseconds <= 0) fail("ERR_ARGUMENT", "expected a time-out of more than 0 milliseconds");
  return std::chrono::milliseconds(milliseconds);
}

Napi::Value perform(Addon& addon, Napi::Env env, Call call) {
  const auto turn = call.group->order.next(call.order);
  const bool blocking = call.blocking;
  // Of a device: the operation comes after what this thread's stream does now, and what it does next after the operation.
  std::optional<c10::Stream> stream;
  for (const at::Tensor& tensor : call.keep) {
    if (!tensor.is_cpu()) stream = c10::impl::VirtualGuardImpl(tensor.device().type()).getStream(tensor.device());
  }
  Work work = [call = std::move(call), turn, stream]() -> Finish {
    WorkPointer started;
    try {
      turn->wait();
      if (call.group->agreement) call.agree(*call.group->agreement);
      const c10::OptionalStreamGuard guard(stream);
      started = call.start();
    } catch (...) {
      turn->end();
      throw;
    }
    turn->end();
    if (!started->wait()) fail("ERR_DISTRIBUTED", "the operation was aborted");
    return [started, result = call.result, stream](Addon&, Napi::Env env) -> Napi::Value {
      if (stream) started->synchronize();
      return result ? result(env, *started) : env.Undefined();
    };
  };
  return blocking ? run_now(addon, env, work) : run_beside(env, std::move(work));
}

Work in_turn(const GroupPointer& group, const std::string& name, Work work) {
  const auto turn = group->order.next(COLLECTIVE);
  return [group, name, turn, work = std::move(work)]() -> Finish {
    try {
      turn->wait();
      if (group->agreement) group->agreement->check(name, c10d::kUnsetTimeout);
      Finish finish = work();
      turn->end();
      return finish;
    } catch (...) {
      turn->end();
      throw;
    }
  };
}

}  // namespace noether
