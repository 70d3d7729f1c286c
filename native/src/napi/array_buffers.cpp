#include "napi/array_buffers.h"

#include "napi/errors.h"

namespace noether {

// What an ArrayBuffer over a storage holds.
struct ArrayBuffers::Keeper {
  at::Storage storage;
  std::weak_ptr<Table> table;
  const void* address;
};

ArrayBuffers::ArrayBuffers(Napi::Env env)
    : env_(env), constructor_(Napi::Persistent(env.Global().Get("ArrayBuffer").As<Napi::Function>())) {}

Napi::ArrayBuffer ArrayBuffers::create(size_t bytes) const {
  try {
    const Napi::Object buffer = constructor_.New({Napi::Number::New(env_, static_cast<double>(bytes))});
    return buffer.As<Napi::ArrayBuffer>();
  } catch (const Napi::Error& error) {
    bool pending = false;
    if (napi_is_exception_pending(env_, &pending) != napi_ok || pending) throw;
    fail("ERR_OUT_OF_MEMORY", "no memory for a JavaScript copy of " + std::to_string(bytes) +
                                  " bytes: read a part of the tensor at a time, or look at its memory with sharedData()");
  }
}

Napi::ArrayBuffer ArrayBuffers::over(const at::Storage& storage) {
  auto* keeper = new Keeper{storage, shared_, nullptr};
  keeper->address = keeper->storage.mutable_data();
  const auto known = shared_->find(keeper->address);
  if (known != shared_->end()) {
    const Napi::ArrayBuffer buffer = known->second.buffer.Value();
    if (!buffer.IsEmpty() && !buffer.IsDetached()) {
      delete keeper;
      return buffer;
    }
  }
  napi_value value;
  const napi_status status = napi_create_external_arraybuffer(
      env_, keeper->storage.mutable_data(), keeper->storage.nbytes(),
      [](napi_env, void*, void* hint) {
        const auto* ended = static_cast<Keeper*>(hint);
        if (const std::shared_ptr<Table> table = ended->table.lock()) {
          const auto entry = table->find(ended->address);
          if (entry != table->end() && entry->second.keeper == ended) table->erase(entry);
        }
        delete ended;
      },
      keeper, &value);
  if (status != napi_ok) {
    delete keeper;
    return {};
  }
  // The array would point into freed memory if the storage moved: as in PyTorch, it cannot be resized from now on.
  storage.unsafeGetStorageImpl()->set_resizable(false);
  const Napi::ArrayBuffer buffer(env_, value);
  shared_->insert_or_assign(keeper->address, Shared{Napi::Weak(buffer), keeper});
  return buffer;
}

}  // namespace noether
