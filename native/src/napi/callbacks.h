// JavaScript functions and buffers that libtorch objects keep alive (custom autograd functions, hooks, zero-copy
// storages). Such an object may end on any thread, or after its environment; a JavaScript reference may only be dropped
// on its own thread. So the object holds a ticket; a ticket that ends goes to a list that the thread empties later.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <string>
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

  struct Entry {
    Napi::ObjectReference reference;
    // The node or the leaf of an autograd graph that holds the ticket, where one does.
    const void* owner = nullptr;
  };

  // Keeps `value` alive for as long as the ticket. Only on the environment's thread, as everything below.
  std::shared_ptr<Ticket> keep(Napi::Object value);
  void set_owner(uint64_t id, const void* owner) {
    entries_.at(id).owner = owner;
    ++owned_;
  }
  // Whether a node or a leaf may call one of them.
  bool has_owned() const { return owned_ > 0; }
  // Empty where it was collected (see runtime/cycles.h).
  Napi::Object value(uint64_t id) const { return entries_.at(id).reference.Value(); }
  std::unordered_map<uint64_t, Entry>& entries() { return entries_; }
  uint64_t newest() const { return next_id_ - 1; }

  // While one of them runs.
  struct Calling {
    explicit Calling(Callbacks& callbacks) : callbacks(callbacks) { ++callbacks.calling_; }
    ~Calling() { --callbacks.calling_; }
    Callbacks& callbacks;
  };
  bool is_calling() const { return calling_ > 0; }
  // How deep calls are nested.
  int calling() const { return calling_; }
  // Drops what ended since the last time.
  void reap();

  bool on_own_thread() const { return std::this_thread::get_id() == thread_; }
  Napi::Env env() const { return env_; }

 private:
  friend class Ticket;
  Napi::Env env_;
  std::thread::id thread_;
  std::unordered_map<uint64_t, Entry> entries_;
  uint64_t next_id_ = 1;
  int calling_ = 0;
  size_t owned_ = 0;
  std::mutex mutex_;  // guards ended_
  std::vector<uint64_t> ended_;
};

// What JavaScript threw, on its way through C++ that knows C++ exceptions only: libtorch's engine hands it on as it is.
class JavaScriptError : public std::exception {
 public:
  // Takes the pending JavaScript exception.
  explicit JavaScriptError(Callbacks& callbacks);

  const char* what() const noexcept override { return "a function or hook written in JavaScript threw"; }
  // The value that was thrown; empty on another thread, or when the environment is going away.
  Napi::Error error() const;

 private:
  std::shared_ptr<Callbacks::Ticket> thrown_;
};

}  // namespace noether
