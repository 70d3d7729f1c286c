// What keeps an operation that the processes call differently from being sent. Gloo ends a process that gets more bytes than it expects
// (an exception on a thread of its own), and mixes up operations that meet each other by mistake.
//
// Before an operation the processes tell each other what they call, over connections of their own, so that this never meets a tensor on
// its way. It costs one small message. NOETHER_DISTRIBUTED_CHECKS=0 in any process turns it off for all, and so does a member that is
// not of this addon (Python).
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace noether {

class Agreement {
 public:
  Agreement(c10::intrusive_ptr<c10d::Backend> backend, std::vector<int64_t> ranks);

  // Throws in all processes, unless all say the same, e.g. "allReduce sum of float32 (4)".
  void check(const std::string& call, std::chrono::milliseconds timeout) const;

  // Throws in all processes, unless each expects of every other as many rows as that one sends.
  void check_rows(
      const std::vector<int64_t>& sent, const std::vector<int64_t>& expected, std::chrono::milliseconds timeout) const;

  // The same between two processes: sender and receiver name the tensor. `source` -1: whoever sends; the sender's rank.
  void check_send(const std::string& tensor, int destination, int tag) const;
  int check_recv(const std::string& tensor, int source, int tag) const;

 private:
  at::Tensor gathered(const at::Tensor& own, std::chrono::milliseconds timeout) const;

  c10::intrusive_ptr<c10d::Backend> backend_;
  std::vector<int64_t> ranks_;  // in the group of all processes, for messages
};

// To be called before this process connects to the others, with a store of the group's own: says that it can agree.
void announce_agreement(c10d::Store& store, int rank);
// To be called once all are connected: whether all have said so.
bool all_agree(c10d::Store& store, int size);

}  // namespace noether
