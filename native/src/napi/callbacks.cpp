#include "napi/callbacks.h"

#include "napi/arguments.h"

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

void Callbacks::store_pending_exception() {
  napi_value thrown;
  napi_valuetype type;
  if (napi_get_and_clear_last_exception(env_, &thrown) != napi_ok || napi_typeof(env_, thrown, &type) != napi_ok)
    return;
  if (type == napi_undefined || type == napi_null || !error_.IsEmpty()) return;
  if (type == napi_object || type == napi_function) {
    error_ = Napi::Error(env_, thrown);
  } else {
    error_ = Napi::Error::New(env_, "a function or hook threw " + kind_of(env_, thrown));
  }
}

Napi::Error Callbacks::take_error() {
  Napi::Error error = std::move(error_);
  error_ = Napi::Error();
  return error;
}

}  // namespace noether
