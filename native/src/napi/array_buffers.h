// ArrayBuffers for what is copied to JavaScript, and over memory that libtorch owns.
#pragma once

#include <memory>
#include <unordered_map>

#include "napi/napi_setup.h"
#include "torch_setup.h"

namespace noether {

class ArrayBuffers {
 public:
  explicit ArrayBuffers(Napi::Env env);

  // A new one. Throws ERR_OUT_OF_MEMORY; napi_create_arraybuffer would end the process.
  Napi::ArrayBuffer create(size_t bytes) const;

  // The one over the storage's memory, which lives as long as it; empty where this runtime forbids such.
  Napi::ArrayBuffer over(const at::Storage& storage);

 private:
  struct Shared {
    Napi::Reference<Napi::ArrayBuffer> buffer;  // weak
    const void* keeper;
  };
  // By address: V8 wants one ArrayBuffer per memory region, so that the views of a storage share it. Shared with the
  // finalizers, which may run when the environment's own data is gone.
  using Table = std::unordered_map<const void*, Shared>;
  struct Keeper;

  Napi::Env env_;
  Napi::FunctionReference constructor_;
  std::shared_ptr<Table> shared_ = std::make_shared<Table>();
};

}  // namespace noether
