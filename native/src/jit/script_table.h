// The TorchScript modules that one environment has loaded, by number.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

#include "napi/errors.h"

namespace noether {

struct ScriptTable {
  int64_t put(torch::jit::Module module) {
    modules.emplace(next_id, std::move(module));
    return next_id++;
  }

  torch::jit::Module& get(int64_t id) {
    const auto found = modules.find(id);
    if (found == modules.end())
      fail("ERR_ARGUMENT", "expected a loaded module, got the unknown id " + std::to_string(id));
    return found->second;
  }

  std::unordered_map<int64_t, torch::jit::Module> modules;
  int64_t next_id = 1;
};

}  // namespace noether
