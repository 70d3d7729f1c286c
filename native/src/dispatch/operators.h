// Calls operators through the dispatcher by their schema. An operator is compiled once: its handle, a converter and a
// default for each argument, and which results are arguments written in place.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "dispatch/fast_paths.h"
#include "napi/argument_converter.h"

namespace noether {

struct Operator {
  std::string name;  // "aten::add"
  c10::OperatorHandle handle;
  std::vector<ArgumentConverter> arguments;
  // Per result: marked `Tensor(a!)`, so that the caller already holds the object.
  std::vector<bool> written_in_place;
  // Dispatch keys to leave out of a call that records no gradient; empty where the autograd kernel does more than
  // record.
  c10::DispatchKeySet without_recording;
  FastPath fast_path = nullptr;
  // Writes one of its arguments: called again after a failure, it might do half of its work twice.
  bool writes = false;
};

class OperatorTable {
 public:
  // The id of an operator, e.g. ("aten::add", "Tensor"); throws ERR_OPERATOR.
  size_t id(const std::string& name, const std::string& overload);
  const Operator& at(double id) const;

 private:
  // References stay good when an operator is compiled while another runs (hooks call operators).
  std::deque<Operator> operators_;
  std::unordered_map<std::string, size_t> ids_;
};

}  // namespace noether
