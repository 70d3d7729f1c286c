// Stores: what processes find each other with. Every call may wait for the network, so each is a promise.
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "distributed/objects.h"
#include "distributed/quiet_log.h"
#include "exports.h"

namespace noether {

namespace {

// Does it beside the JavaScript thread; `operation` gives what is made into a JavaScript value there.
template <typename Operation>
Napi::Value beside(const Arguments& arguments, Operation operation) {
  return run_beside(arguments.env(), [operation]() -> Finish {
    auto made = operation();
    return [made](Addon& addon, Napi::Env env) -> Napi::Value { return made(addon, env); };
  });
}

using Made = std::function<Napi::Value(Addon&, Napi::Env)>;

Made nothing() {
  return [](Addon&, Napi::Env env) -> Napi::Value { return env.Undefined(); };
}

Made bytes_of(std::vector<uint8_t> bytes) {
  return [bytes = std::move(bytes)](Addon& addon, Napi::Env) -> Napi::Value {
    Napi::ArrayBuffer buffer = addon.array_buffers.create(bytes.size());
    std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(buffer.Data()));
    return buffer;
  };
}

std::vector<uint8_t> bytes_argument(const Arguments& arguments, size_t index, const char* name) {
  const auto bytes = arguments.bytes(index, name);
  return std::vector<uint8_t>(bytes.data, bytes.data + bytes.length);
}

// tcpStore(host, port, isServer, worldSize, timeout, libuv): `worldSize` 0: unknown
Napi::Value tcp_store(Addon&, const Arguments& arguments) {
  const std::string host = arguments.string(0, "host");
  c10d::TCPStoreOptions options;
  const int64_t port = arguments.integer(1, "port");
  if (port < 0 || port > 65535) fail("ERR_ARGUMENT", "expected a port from 0 to 65535, got " + std::to_string(port));
  options.port = static_cast<uint16_t>(port);
  options.isServer = arguments.boolean(2, "isServer");
  if (const int64_t size = arguments.integer(3, "worldSize"); size > 0) options.numWorkers = static_cast<size_t>(size);
  options.timeout = timeout_argument(arguments, 4);
  options.useLibUV = arguments.boolean(5, "libuv");
  options.multiTenant = options.isServer;
  return beside(arguments, [host, options]() -> Made {
    const QuietLog quiet;
    const StorePointer store = c10::make_intrusive<c10d::TCPStore>(host, options);
    return [store](Addon&, Napi::Env env) { return hold(env, {store, nullptr, nullptr, nullptr}); };
  });
}

Napi::Value file_store(Addon&, const Arguments& arguments) {
  const std::string path = arguments.string(0, "path");
  const auto size = static_cast<int>(arguments.integer(1, "worldSize"));
  const auto timeout = timeout_argument(arguments, 2);
  return beside(arguments, [path, size, timeout]() -> Made {
    const StorePointer store = c10::make_intrusive<c10d::FileStore>(path, size);
    store->setTimeout(timeout);
    return [store](Addon&, Napi::Env env) { return hold(env, {store, nullptr, nullptr, nullptr}); };
  });
}

Napi::Value hash_store(Addon&, const Arguments& arguments) {
  return hold(arguments.env(), {c10::make_intrusive<c10d::HashStore>(), nullptr, nullptr, nullptr});
}

Napi::Value prefix_store(Addon&, const Arguments& arguments) {
  const std::string prefix = arguments.string(0, "prefix");
  const StorePointer store = c10::make_intrusive<c10d::PrefixStore>(prefix, store_argument(arguments, 1));
  return hold(arguments.env(), {store, nullptr, nullptr, nullptr});
}

// The port of a TCP store (chosen by the system where 0 was asked for), else 0.
Napi::Value store_port(Addon&, const Arguments& arguments) {
  const StorePointer store = store_argument(arguments, 0);
  const auto* tcp = dynamic_cast<const c10d::TCPStore*>(store.get());
  return Napi::Number::New(arguments.env(), tcp ? tcp->getPort() : 0);
}

Napi::Value store_set(Addon&, const Arguments& arguments) {
  const StorePointer store = store_argument(arguments, 0);
  const std::string key = arguments.string(1, "key");
  const auto value = bytes_argument(arguments, 2, "value");
  return beside(arguments, [store, key, value]() -> Made {
    store->set(key, value);
    return nothing();
  });
}

Napi::Value store_get(Addon&, const Arguments& arguments) {
  const StorePointer store = store_argument(arguments, 0);
  const std::string key = arguments.string(1, "key");
  return beside(arguments, [store, key]() -> Made { return bytes_of(store->get(key)); });
}

Napi::Value store_add(Addon&, const Arguments& arguments) {
  const StorePointer store = store_argument(arguments, 0);
  const std::string key = arguments.string(1, "key");
  const int64_t amount = arguments.integer(2, "amount");
  return beside(arguments, [store, key, amount]() -> Made {
    const auto sum = static_cast<double>(store->add(key, amount));
    return [sum](Addon&, Napi::Env env) -> Napi::Value { return Napi::Number::New(env, sum); };
  });
}

Napi::Value store_check(Addon&, const Arguments& arguments) {
  const StorePointer store = store_argument(arguments, 0);
  const auto keys = strings(arguments, 1, "keys");
  return beside(arguments, [store, keys]() -> Made {
    const bool there = store->check(keys);
    return [there](Addon&, Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, there); };
  });
}

Napi::Value store_delete(Addon&, const Arguments& arguments) {
  const StorePointer store = store_argument(arguments, 0);
  const std::string key = arguments.string(1, "key");
  return beside(arguments, [store, key]() -> Made {
    const bool deleted = store->deleteKey(key);
    return [deleted](Addon&, Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, deleted); };
  });
}

Napi::Value store_compare_set(Addon&, const Arguments& arguments) {
  const StorePointer store = store_argument(arguments, 0);
  const std::string key = arguments.string(1, "key");
  const auto expected = bytes_argument(arguments, 2, "expected");
  const auto desired = bytes_argument(arguments, 3, "desired");
  return beside(arguments, [store, key, expected, desired]() -> Made {
    return bytes_of(store->compareSet(key, expected, desired));
  });
}

// Drops the store; the server of a TCP store ends with the last group that uses it.
Napi::Value store_close(Addon&, const Arguments& arguments) {
  const StorePointer store = std::move(held_argument(arguments, 0).store);
  return beside(arguments, [store]() -> Made { return nothing(); });
}

}  // namespace

void export_stores(Napi::Env, Napi::Object exports) {
  define<tcp_store>(exports, "tcpStore");
  define<file_store>(exports, "fileStore");
  define<hash_store>(exports, "hashStore");
  define<prefix_store>(exports, "prefixStore");
  define<store_port>(exports, "storePort");
  define<store_set>(exports, "storeSet");
  define<store_get>(exports, "storeGet");
  define<store_add>(exports, "storeAdd");
  define<store_check>(exports, "storeCheck");
  define<store_delete>(exports, "storeDelete");
  define<store_compare_set>(exports, "storeCompareSet");
  define<store_close>(exports, "storeClose");
}

}  // namespace noether
