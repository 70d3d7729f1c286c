#include "napi/job.h"

#include <mutex>
#include <optional>
#include <thread>

namespace noether {

namespace {

void reject(Napi::Env env, const Napi::Promise::Deferred& deferred, const Described& failure) {
  try {
    Napi::Error error = Napi::Error::New(env, failure.message);
    error.Set("code", failure.code);
    deferred.Reject(error.Value());
  } catch (const Napi::Error&) {
    // The environment is ending: nobody is left to be told.
  }
}

class Job : public Napi::AsyncWorker {
 public:
  Job(Napi::Env env, Work work)
      : Napi::AsyncWorker(env), work_(std::move(work)), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      finish_ = work_();
    } catch (...) {
      failure_ = describe_current_exception();
    }
    work_ = nullptr;
  }

  void OnOK() override {
    try {
      if (!failure_) return settle();
    } catch (...) {
      failure_ = describe_current_exception();
    }
    reject(Env(), deferred_, *failure_);
  }

 private:
  void settle() { deferred_.Resolve(finish_(Addon::of(Env()), Env())); }

  Work work_;
  Finish finish_;
  std::optional<Described> failure_;
  Napi::Promise::Deferred deferred_;
};

// Shared by the thread that works and the environment, of which either may end first.
struct Beside {
  explicit Beside(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise::Deferred deferred;
  Finish finish;
  std::optional<Described> failure;
  std::mutex mutex;
  napi_threadsafe_function wake = nullptr;  // null once the environment has ended
};
using SharedBeside = std::shared_ptr<Beside>;

// On the environment's thread, when the work is done.
void settle_beside(napi_env raw, napi_value, void* context, void*) {
  if (raw == nullptr) return;
  const Napi::Env env(raw);
  Beside& beside = **static_cast<SharedBeside*>(context);
  if (!beside.failure) {
    try {
      beside.deferred.Resolve(beside.finish(Addon::of(env), env));
      return;
    } catch (...) {
      beside.failure = describe_current_exception();
    }
  }
  reject(env, beside.deferred, *beside.failure);
}

void end_beside(napi_env, void* data, void*) {
  const std::unique_ptr<SharedBeside> shared(static_cast<SharedBeside*>(data));
  const std::lock_guard<std::mutex> lock((*shared)->mutex);
  (*shared)->wake = nullptr;
}

void work_beside(const SharedBeside& beside, Work work) {
  try {
    beside->finish = work();
  } catch (...) {
    beside->failure = describe_current_exception();
  }
  work = nullptr;
  const std::lock_guard<std::mutex> lock(beside->mutex);
  if (beside->wake == nullptr) return;
  napi_call_threadsafe_function(beside->wake, nullptr, napi_tsfn_nonblocking);
  napi_release_threadsafe_function(beside->wake, napi_tsfn_release);
}

}  // namespace

Napi::Value run_beside(Napi::Env env, Work work) {
  const auto beside = std::make_shared<Beside>(env);
  auto* context = new SharedBeside(beside);
  const Napi::String name = Napi::String::New(env, "noether");
  const napi_status status = napi_create_threadsafe_function(
      env, nullptr, nullptr, name, 0, 1, context, end_beside, context, settle_beside, &beside->wake);
  if (status != napi_ok) {
    delete context;
    fail("ERR_INTERNAL", "internal: cannot start a thread");
  }
  try {
    std::thread(work_beside, beside, std::move(work)).detach();
  } catch (...) {
    napi_release_threadsafe_function(beside->wake, napi_tsfn_abort);
    throw;
  }
  return beside->deferred.Promise();
}

Napi::Value run_now(Addon& addon, Napi::Env env, const Work& work) {
  return work()(addon, env);
}

Napi::Value run_later(Napi::Env env, Work work) {
  auto* job = new Job(env, std::move(work));
  const Napi::Promise promise = job->promise();
  job->Queue();
  return promise;
}

}  // namespace noether
