#include "runtime/backward_thread.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/ThreadLocalState.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/csrc/autograd/engine.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <unordered_set>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "napi/errors.h"

namespace noether {

namespace {

// libtorch hands this slot on to every thread that works for a pass. The type has no linkage, so that what another copy of the
// addon has put there is not taken for ours.
const auto kSlot = c10::DebugInfoKind::TEST_INFO;

struct Served final : c10::DebugInfoBase {
  explicit Served(std::shared_ptr<BackwardThread> served) : thread(std::move(served)) {}
  std::shared_ptr<BackwardThread> thread;
};

// The engine itself goes to other threads when passes nest 60 deep.
constexpr int kDeep = 40;

// The devices' threads have no work before a device is set up.
std::optional<at::DeviceType> accelerator_in_use() {
  const auto type = at::accelerator::getAccelerator(/*checked=*/false);
  if (!type) return std::nullopt;
  const auto& hooks = at::globalContext().getAcceleratorHooksInterface(*type);
  const int count = hooks.deviceCount();
  for (int index = 0; index < count; ++index) {
    if (hooks.hasPrimaryContext(static_cast<c10::DeviceIndex>(index))) return type;
  }
  return std::nullopt;
}

bool is_beside_cpu(at::Device device) { return !device.is_cpu() && !device.is_meta(); }

// Whether a node of the graph works on tensors of a device beside the CPU.
bool reaches_device(const std::vector<at::Tensor>& outputs) {
  std::vector<torch::autograd::Node*> pending;
  std::unordered_set<torch::autograd::Node*> seen;
  const auto add = [&](const auto& node) {
    if (node && seen.insert(&*node).second) pending.push_back(&*node);
  };
  for (const at::Tensor& output : outputs) {
    if (!output.defined()) continue;
    if (is_beside_cpu(output.device())) return true;
    add(output.grad_fn());
  }
  while (!pending.empty()) {
    const torch::autograd::Node& node = *pending.back();
    pending.pop_back();
    for (uint32_t input = 0; input < node.num_inputs(); ++input) {
      if (is_beside_cpu(node.input_metadata(input).device())) return true;
    }
    for (const auto& edge : node.next_edges()) add(edge.function);
  }
  return false;
}

// What is in effect on a thread: modes, the current device, and the current stream of each device. Taken on one thread, put in
// effect on another.
class ThreadState {
 public:
  ThreadState() {
    const auto type = accelerator_in_use();
    if (!type) return;
    const c10::impl::VirtualGuardImpl guard(*type);
    device_ = guard.getDevice();
    const auto& hooks = at::globalContext().getAcceleratorHooksInterface(*type);
    for (int index = 0; index < guard.deviceCount(); ++index) {
      const auto number = static_cast<c10::DeviceIndex>(index);
      if (hooks.hasPrimaryContext(number)) streams_.push_back(guard.getStream(at::Device(*type, number)));
    }
  }

  class Guard {
   public:
    explicit Guard(const ThreadState& state) : modes_(state.modes_) {
      if (!state.streams_.empty()) streams_.emplace(c10::ArrayRef<c10::Stream>(state.streams_));
      if (state.device_) device_.emplace(*state.device_);
    }

   private:
    at::ThreadLocalStateGuard modes_;
    std::optional<c10::MultiStreamGuard> streams_;
    std::optional<c10::DeviceGuard> device_;
  };

 private:
  at::ThreadLocalState modes_;
  std::optional<at::Device> device_;
  std::vector<c10::Stream> streams_;
};

// Those that the end of the process has to wake: the engine waits for its threads then, 10 seconds long.
struct Open {
  std::mutex mutex;
  std::vector<std::weak_ptr<BackwardThread>> threads;
};
Open& open_threads() {
  static auto* open = new Open();
  return *open;
}

void close_all() {
  std::vector<std::weak_ptr<BackwardThread>> threads;
  {
    const std::lock_guard<std::mutex> lock(open_threads().mutex);
    threads.swap(open_threads().threads);
  }
  for (const auto& thread : threads) {
    if (const auto open = thread.lock()) open->close();
  }
}

}  // namespace

// A pass: what it does, and how it went.
struct BackwardThread::Job {
  std::function<void()> pass;
  ThreadState state;
  int threads = 1;
  bool done = false;
  std::exception_ptr error;
};

// JavaScript that a thread waits for. It may be given a job meanwhile.
struct BackwardThread::Call {
  std::function<void()> body;
  ThreadState state;
  std::condition_variable wake;
  std::shared_ptr<Job> job;
  bool done = false;
  bool dropped = false;  // nobody will answer
  std::exception_ptr error;
};

BackwardThread::BackwardThread(std::shared_ptr<Callbacks> callbacks) : callbacks_(std::move(callbacks)) {}

bool BackwardThread::is_needed(const std::vector<at::Tensor>& outputs) const {
  const std::shared_ptr<Callbacks> callbacks = callbacks_.lock();
  if (!callbacks || !callbacks->has_owned()) return false;
  if (always_ || callbacks->calling() >= kDeep) return true;
  return accelerator_in_use() && reaches_device(outputs);
}

std::shared_ptr<BackwardThread> BackwardThread::of_this_thread() {
  const auto* served = dynamic_cast<const Served*>(c10::ThreadLocalDebugInfo::get(kSlot));
  return served ? served->thread : nullptr;
}

void BackwardThread::run(std::function<void()> pass) {
  const auto job = std::make_shared<Job>();
  job->pass = std::move(pass);
  job->threads = at::get_num_threads();
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_) fail("ERR_AUTOGRAD", "the process is ending: there is no backward pass any more");
  ++running_;
  if (answering_.empty()) {
    if (!started_) start();
    job_ = job;
    worker_.notify_one();
  } else {
    answering_.back()->job = job;
    answering_.back()->wake.notify_one();
  }
  while (true) {
    javascript_.wait(lock, [&] { return job->done || !calls_.empty(); });
    if (job->done) break;
    const std::shared_ptr<Call> call = std::move(calls_.front());
    calls_.pop_front();
    lock.unlock();
    answer(call);
    lock.lock();
  }
  if (--running_ == 0) drop_calls();  // of a pass that failed on another thread meanwhile
  lock.unlock();
  if (job->error) std::rethrow_exception(job->error);
}

void BackwardThread::answer(const std::shared_ptr<Call>& pending) {
  Call& call = *pending;
  answering_.push_back(pending);
  try {
    const ThreadState::Guard guard(call.state);
    call.body();
  } catch (const Napi::Error& error) {
    // It holds a JavaScript value, which may not end on another thread.
    raise(error);
    if (const auto callbacks = callbacks_.lock()) call.error = std::make_exception_ptr(JavaScriptError(*callbacks));
  } catch (...) {
    call.error = std::current_exception();
  }
  answering_.pop_back();
  const std::lock_guard<std::mutex> lock(mutex_);
  call.done = true;
  call.wake.notify_one();
}

void BackwardThread::call(std::function<void()> body) {
  const auto call = std::make_shared<Call>();
  call->body = std::move(body);
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_ || running_ == 0) {
    call->dropped = true;
  } else {
    calls_.push_back(call);
    javascript_.notify_one();
  }
  while (true) {
    call->wake.wait(lock, [&] { return call->done || call->job || call->dropped; });
    if (call->job) {
      const std::shared_ptr<Job> job = std::move(call->job);
      call->job = nullptr;
      lock.unlock();
      perform(*job);
      lock.lock();
    } else if (call->done) {
      break;
    } else {
      fail("ERR_AUTOGRAD", "the backward pass that wanted a function or hook written in JavaScript has ended meanwhile");
    }
  }
  lock.unlock();
  if (call->error) std::rethrow_exception(call->error);
}

void BackwardThread::perform(Job& job) {
  try {
    const ThreadState::Guard guard(job.state);
    const c10::DebugInfoGuard served(kSlot, std::make_shared<Served>(shared_from_this()));
    job.pass();
  } catch (...) {
    job.error = std::current_exception();
  }
  job.pass = nullptr;
  const std::lock_guard<std::mutex> lock(mutex_);
  job.done = true;
  javascript_.notify_one();
}

// These two with the lock held.
void BackwardThread::drop_calls() {
  for (const auto& call : calls_) {
    call->dropped = true;
    call->wake.notify_one();
  }
  calls_.clear();
}

void BackwardThread::start() {
  static std::once_flag once;
  std::call_once(once, [] {
    // After the engine, so that this runs before the engine's end.
    torch::autograd::Engine::get_default_engine();
    std::atexit(close_all);
  });
  {
    Open& open = open_threads();
    const std::lock_guard<std::mutex> lock(open.mutex);
    auto& threads = open.threads;
    threads.erase(std::remove_if(threads.begin(), threads.end(), [](const auto& each) { return each.expired(); }),
                  threads.end());
    threads.push_back(weak_from_this());
  }
  std::thread([self = shared_from_this()] { self->work(); }).detach();
  started_ = true;
}

void BackwardThread::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    worker_.wait(lock, [&] { return job_ || closed_; });
    if (!job_) return;
    const std::shared_ptr<Job> job = std::move(job_);
    job_ = nullptr;
    busy_ = true;
    lock.unlock();
    at::get_num_threads();  // sets this thread up, which would undo the next line
#ifdef _OPENMP
    omp_set_num_threads(job->threads);
#endif
    perform(*job);
    lock.lock();
    busy_ = false;
    idle_.notify_all();
  }
}

void BackwardThread::close() {
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  drop_calls();
  // The process ends inside of JavaScript, which will not come back.
  for (const auto& call : answering_) {
    call->dropped = true;
    call->wake.notify_one();
  }
  worker_.notify_one();
  // A pass that was under way ends with an error. Bounded: an operator that hangs must not keep the process.
  idle_.wait_for(lock, std::chrono::seconds(5), [&] { return !busy_ && !job_; });
}

}  // namespace noether
