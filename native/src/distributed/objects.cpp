#include "distributed/objects.h"

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
    if (ended->group) abandon(std::move(ended->group));
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

Napi::Value settle(
    Addon& addon, Napi::Env env, WorkPointer work, bool blocking, std::vector<at::Tensor> keep,
    std::function<Napi::Value(Napi::Env, c10d::Work&)> result) {
  // Of a device: what this thread's stream does next has to come after the work.
  const bool on_device = std::any_of(keep.begin(), keep.end(), [](const auto& each) { return !each.is_cpu(); });
  Work waiting = [work, keep = std::move(keep), result = std::move(result), on_device]() -> Finish {
    if (!work->wait()) fail("ERR_DISTRIBUTED", "the operation was aborted");
    return [work, result, on_device](Addon&, Napi::Env env) -> Napi::Value {
      if (on_device) work->synchronize();
      return result ? result(env, *work) : env.Undefined();
    };
  };
  return blocking ? run_now(addon, env, waiting) : run_beside(env, std::move(waiting));
}

}  // namespace noether
