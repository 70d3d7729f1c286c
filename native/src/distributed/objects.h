// Stores, groups and reducers as JavaScript objects, and their options as arguments.
#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <functional>
#include <memory>

#include "napi/arguments.h"
#include "napi/job.h"

namespace c10d {
class Reducer;
}

namespace noether {

using StorePointer = c10::intrusive_ptr<c10d::Store>;
using GroupPointer = c10::intrusive_ptr<c10d::ProcessGroup>;
using BackendPointer = c10::intrusive_ptr<c10d::Backend>;
using WorkPointer = c10::intrusive_ptr<c10d::Work>;

// What one JavaScript object holds: one of the three, none once it was closed.
struct Held {
  StorePointer store;
  GroupPointer group;
  std::shared_ptr<c10d::Reducer> reducer;
  std::shared_ptr<void> logger;  // the reducer writes into it, and does not hold it
};

Napi::Value hold(Napi::Env env, Held held);
Held& held_argument(const Arguments& arguments, size_t index);
StorePointer store_argument(const Arguments& arguments, size_t index);
GroupPointer group_argument(const Arguments& arguments, size_t index);
std::shared_ptr<c10d::Reducer> reducer_argument(const Arguments& arguments, size_t index);

std::vector<std::string> strings(const Arguments& arguments, size_t index, const char* name);
// Milliseconds; missing: that of the group.
std::chrono::milliseconds timeout_argument(const Arguments& arguments, size_t index);

// Waits for the work: here where `blocking`, else on a thread of its own with a promise. `keep` lives until then.
Napi::Value settle(
    Addon& addon, Napi::Env env, WorkPointer work, bool blocking, std::vector<at::Tensor> keep,
    std::function<Napi::Value(Napi::Env, c10d::Work&)> result = nullptr);

// The backends, each with the store of its own prefix. They connect with the other processes: not on the JavaScript thread.
struct BackendOptions {
  StorePointer store;
  int rank;
  int size;
  std::chrono::milliseconds timeout;
  std::string group_name;
  std::vector<uint64_t> ranks;
};
BackendPointer make_gloo(const BackendOptions& options);
bool has_nccl();
BackendPointer make_nccl(const BackendOptions& options);

}  // namespace noether
