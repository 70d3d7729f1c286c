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
  entries_.emplace(id, Entry{Napi::Persistent(value)});
  return std::make_shared<Ticket>(weak_from_this(), id);
}

void Callbacks::reap() {
  std::vector<uint64_t> ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended.swap(ended_);
  }
  for (const uint64_t id : ended) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) continue;
    if (entry->second.owner) --owned_;
    entries_.erase(entry);
  }
}

JavaScriptError::JavaScriptError(Callbacks& callbacks) {
  const Napi::Env env = callbacks.env();
  napi_value thrown;
  napi_valuetype type;
  // While the worker is being terminated what is pending is not a JavaScript value.
  if (napi_get_and_clear_last_exception(env, &thrown) != napi_ok || napi_typeof(env, thrown, &type) != napi_ok) return;
  if (type == napi_undefined || type == napi_null) return;
  if (type == napi_object || type == napi_function) {
    thrown_ = callbacks.keep(Napi::Object(env, thrown));
  } else {
    thrown_ = callbacks.keep(Napi::Error::New(env, "a function or hook threw " + kind_of(env, thrown)).Value());
  }
}

Napi::Error JavaScriptError::error() const {
  const std::shared_ptr<Callbacks> owner = thrown_ ? thrown_->owner() : nullptr;
  if (!owner || !owner->on_own_thread()) return Napi::Error();
  return Napi::Error(owner->env(), owner->value(thrown_->id()));
}

}  // namespace noether
