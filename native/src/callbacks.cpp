#include "callbacks.h"

namespace noether {

Callbacks::Ticket::~Ticket() {
  if (const std::shared_ptr<Callbacks> owner = owner_.lock()) {
    const std::lock_guard<std::mutex> lock(owner->mutex_);
    owner->ended_.push_back(id_);
  }
}

std::shared_ptr<Callbacks::Ticket> Callbacks::keep(Napi::Object value) {
  reap();
  const uint64_t id = next_id_++;
  references_.emplace(id, Napi::Persistent(value));
  return std::make_shared<Ticket>(weak_from_this(), id);
}

void Callbacks::reap() {
  std::vector<uint64_t> ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended.swap(ended_);
  }
  for (const uint64_t id : ended) references_.erase(id);
}

void Callbacks::store_error(const Napi::Error& error) {
  if (error_.IsEmpty()) error_ = Napi::Error(env_, error.Value());
}

Napi::Error Callbacks::take_error() {
  Napi::Error error = std::move(error_);
  error_ = Napi::Error();
  return error;
}

}  // namespace noether
