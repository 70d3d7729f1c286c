// Everything that one JavaScript environment (the main thread, or a worker) owns: Node-API's instance data. There is no
// other per-environment state: no static references, so that workers start and stop freely. Freed with the environment.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "napi/array_buffers.h"
#include "napi/borrowed_memory.h"
#include "napi/errors.h"
#include "napi/tensor_table.h"

namespace c10 {
struct InferenceMode;
}

namespace noether {

class OperatorTable;
class BackwardThread;
class CallObserver;
class Callbacks;
class Garbage;
class Levels;
struct ArchiveTable;
class Profiler;
struct ScriptTable;

struct Addon {
  explicit Addon(Napi::Env env);
  ~Addon();
  Addon(const Addon&) = delete;
  Addon& operator=(const Addon&) = delete;

  // Where memory has run out: frees what JavaScript no longer holds, and what allocators keep for reuse.
  void make_room(Napi::Env env);

  static Addon& of(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

  TensorTable tensors;
  BorrowedMemory borrowed;
  ArrayBuffers array_buffers;
  std::unique_ptr<Garbage> garbage;
  std::unique_ptr<OperatorTable> operators;
  // Shared with autograd nodes and storages, which may outlive the environment and end on other threads.
  std::shared_ptr<Callbacks> callbacks;
  std::shared_ptr<BackwardThread> backward_thread;
  std::vector<at::Generator> generators;
  std::vector<std::unique_ptr<c10::InferenceMode>> inference_modes;
  std::unique_ptr<ArchiveTable> archives;
  std::unique_ptr<Profiler> profiler;
  std::unique_ptr<ScriptTable> scripts;
  // Anomaly mode, where it is on.
  std::unique_ptr<CallObserver> observer;
  std::unique_ptr<Levels> levels;
  // How many levels of vmap, grad, jvp and forward-mode derivatives are open: calls leave nothing out then.
  size_t transforms = 0;
};

}  // namespace noether
