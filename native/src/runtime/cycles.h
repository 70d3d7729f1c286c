// Cycles through both worlds: a tensor's graph holds a hook or function written in JavaScript, whose closure holds a
// JavaScript object that owns a handle of the tensor. Neither collector sees the whole of it.
#pragma once

#include <vector>

#include "instance_data.h"

namespace noether {

// While it lives, native code does not hold the callbacks that only tracked tensors reach; the tensors' objects do, in
// JavaScript, so that V8 can collect such cycles. Nothing else may run meanwhile.
class LooseCallbacks {
 public:
  LooseCallbacks(Addon& addon, Napi::Env env);
  ~LooseCallbacks();
  LooseCallbacks(const LooseCallbacks&) = delete;
  LooseCallbacks& operator=(const LooseCallbacks&) = delete;

 private:
  Addon& addon_;
  Napi::ObjectReference edges_;  // from the objects to what their tensors reach
  std::vector<uint64_t> loosened_;
};

}  // namespace noether
