// Stores, groups and reducers as JavaScript objects, and their options as arguments.
#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <functional>
#include <memory>

#include "distributed/agreement.h"
#include "distributed/order.h"
#include "napi/arguments.h"
#include "napi/job.h"

namespace c10d {
class Reducer;
}

namespace noether {

using StorePointer = c10::intrusive_ptr<c10d::Store>;
using C10dGroupPointer = c10::intrusive_ptr<c10d::ProcessGroup>;
using BackendPointer = c10::intrusive_ptr<c10d::Backend>;
using WorkPointer = c10::intrusive_ptr<c10d::Work>;

struct Group {
  C10dGroupPointer c10d;
  std::unique_ptr<Agreement> agreement;  // null: operations are not compared before they start
  Order order;
};
using GroupPointer = std::shared_ptr<Group>;

// Of the operations in which all processes of a group take part.
inline const std::string COLLECTIVE = "collective";

// What one JavaScript object holds: a store, a group, or a reducer with its group; nothing once it was closed.
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

// An operation of a group.
struct Call {
  GroupPointer group;
  // Operations with one order start in the order of their calls, each once `agree` has returned.
  std::string order = COLLECTIVE;
  std::function<void(const Agreement&)> agree = nullptr;
  std::function<WorkPointer()> start = nullptr;
  std::vector<at::Tensor> keep = {};  // alive until the operation has ended
  bool blocking = false;
  std::function<Napi::Value(Napi::Env, c10d::Work&)> result = nullptr;  // default: undefined
};
// Starts it and waits for it: here where it blocks, else on a thread of its own with a promise.
Napi::Value perform(Addon& addon, Napi::Env env, Call call);
// The same for what waits inside, in which all processes take part.
Work in_turn(const GroupPointer& group, const std::string& name, Work work);

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
