// Groups of processes: made over a store with the prefixes that torch.distributed uses, so that Python processes can be members.
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "distributed/objects.h"
#include "distributed/quiet_log.h"
#include "exports.h"

namespace noether {

namespace {

struct GroupOptions {
  BackendOptions backend;
  std::vector<std::string> devices;
  std::vector<std::string> backends;
};

// Over connections of its own, where all members can: they have said so before the connections of the group itself were made.
std::unique_ptr<Agreement> make_agreement(const GroupOptions& options, const StorePointer& store) {
  if (!all_agree(*store, options.backend.size)) return nullptr;
  BackendOptions own = options.backend;
  own.store = store;
  std::vector<int64_t> ranks(own.ranks.begin(), own.ranks.end());
  for (int64_t rank = 0; ranks.size() < static_cast<size_t>(own.size); ++rank) ranks.push_back(rank);
  return std::make_unique<Agreement>(make_gloo(own), std::move(ranks));
}

GroupPointer make_group(const GroupOptions& options) {
  const StorePointer store =
      c10::make_intrusive<c10d::PrefixStore>(options.backend.group_name + "/", options.backend.store);
  const C10dGroupPointer group =
      c10::make_intrusive<c10d::ProcessGroup>(store, options.backend.rank, options.backend.size);
  const StorePointer agreement_store = c10::make_intrusive<c10d::PrefixStore>("noether/", store);
  const auto& names = options.backends;
  const bool same = std::all_of(names.begin(), names.end(), [&](const auto& each) { return each == names[0]; });
  const bool has = std::find(names.begin(), names.end(), "nccl") != names.end();
  group->setDefaultBackend(has ? c10d::ProcessGroup::NCCL : c10d::ProcessGroup::GLOO);
  // NCCL alone connects late, so that nobody knows what the others have said
  const bool compares = options.backend.size > 1 && std::find(names.begin(), names.end(), "gloo") != names.end();
  if (compares) announce_agreement(*agreement_store, options.backend.rank);
  BackendPointer backend;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!backend || !same) {
      BackendOptions own = options.backend;
      own.store = c10::make_intrusive<c10d::PrefixStore>(options.devices[i] + "/", store);
      backend = names[i] == "nccl" ? make_nccl(own) : make_gloo(own);
    }
    group->setBackend(
        c10::Device(options.devices[i]).type(),
        names[i] == "nccl" ? c10d::ProcessGroup::NCCL : c10d::ProcessGroup::GLOO, backend);
  }
  group->setGroupName(options.backend.group_name);
  group->setGroupDesc(options.backend.group_name == "0" ? "default_pg" : "undefined");
  auto made = std::make_shared<Group>();
  made->c10d = group;
  if (compares) made->agreement = make_agreement(options, agreement_store);
  return made;
}

// processGroup(store, rank, size, ranks, name, devices, backends, timeout)
Napi::Value process_group(Addon&, const Arguments& arguments) {
  GroupOptions options;
  options.backend.store = store_argument(arguments, 0);
  options.backend.rank = static_cast<int>(arguments.integer(1, "rank"));
  options.backend.size = static_cast<int>(arguments.integer(2, "size"));
  if (options.backend.rank < 0 || options.backend.rank >= options.backend.size) {
    fail("ERR_ARGUMENT", "expected a rank below the group's size");
  }
  for (const int64_t rank : arguments.integers(3, "ranks")) {
    options.backend.ranks.push_back(static_cast<uint64_t>(rank));
  }
  options.backend.group_name = arguments.string(4, "name");
  options.devices = strings(arguments, 5, "devices");
  options.backends = strings(arguments, 6, "backends");
  if (options.devices.empty() || options.devices.size() != options.backends.size()) {
    fail("ERR_ARGUMENT", "expected a backend for each device");
  }
  for (const std::string& name : options.backends) {
    if (name != "gloo" && name != "nccl") fail("ERR_ARGUMENT", "expected the backend gloo or nccl, got " + name);
  }
  options.backend.timeout = timeout_argument(arguments, 7);
  return run_beside(arguments.env(), [options]() -> Finish {
    const QuietLog quiet;
    const GroupPointer group = make_group(options);
    return [group](Addon&, Napi::Env env) { return hold(env, {nullptr, group, nullptr, nullptr}); };
  });
}

// Ends the connections once the work that is under way has ended.
Napi::Value group_close(Addon&, const Arguments& arguments) {
  GroupPointer group = std::move(held_argument(arguments, 0).group);
  return run_beside(arguments.env(), [group = std::move(group)]() mutable -> Finish {
    group.reset();
    return [](Addon&, Napi::Env env) -> Napi::Value { return env.Undefined(); };
  });
}

Napi::Value nccl_available(Addon&, const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), has_nccl());
}

}  // namespace

void export_groups(Napi::Env, Napi::Object exports) {
  define<process_group>(exports, "processGroup");
  define<group_close>(exports, "groupClose");
  define<nccl_available>(exports, "ncclAvailable");
}

}  // namespace noether
