// JavaScript functions and buffers that libtorch objects keep alive (custom autograd functions, hooks, zero-copy
// storages). Such an object may end on any thread, or after its environment; a JavaScript reference may only be dropped
// on its own thread. So the object holds a ticket; a ticket that ends goes to a list that the thread empties later.
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "napi/napi_setup.h"

namespace noether {

class Callbacks : public std::enable_shared_from_this<Callbacks> {
 public:
  explicit Callbacks(Napi::Env env) : env_(env), thread_(std::this_thread::get_id()) {}

  // Stands for one reference; dropping the last copy releases it, from whatever thread.
  class Ticket {
   public:
    Ticket(std::weak_ptr<Callbacks> owner, uint64_t id) : owner_(std::move(owner)), id_(id) {}
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // Null once the environment is gone.
    std::shared_ptr<Callbacks> owner() const { return owner_.lock(); }
    uint64_t id() const { return id_; }

   private:
    std::weak_ptr<Callbacks> owner_;
    uint64_t id_;
  };

  // Keeps `value` alive for as long as the ticket. Only on the environment's thread, as everything below.
  std::shared_ptr<Ticket> keep(Napi::Object value);
  Napi::Object value(uint64_t id) const { return references_.at(id).Value(); }
  // Drops what ended since the last time.
  void reap();

  bool on_own_thread() const { return std::this_thread::get_id() == thread_; }
  Napi::Env env() const { return env_; }

  // The first JavaScript error thrown inside a backward pass; rethrown as it was when the pass has ended. Nothing is
  // stored while the worker is being terminated: what is pending then is no JavaScript value.
  void store_pending_exception();
  bool has_error() const { return !error_.IsEmpty(); }
  Napi::Error take_error();

 private:
  friend class Ticket;
  Napi::Env env_;
  std::thread::id thread_;
  std::unordered_map<uint64_t, Napi::ObjectReference> references_;
  uint64_t next_id_ = 1;
  Napi::Error error_;
  std::mutex mutex_;  // guards ended_
  std::vector<uint64_t> ended_;
};

}  // namespace noether
