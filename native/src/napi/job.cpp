#include "napi/job.h"

#include <optional>

namespace noether {

namespace {

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
    try {
      Napi::Error error = Napi::Error::New(Env(), failure_->message);
      error.Set("code", failure_->code);
      deferred_.Reject(error.Value());
    } catch (const Napi::Error&) {
      // The environment is ending: nobody is left to be told.
    }
  }

 private:
  void settle() { deferred_.Resolve(finish_(Addon::of(Env()), Env())); }

  Work work_;
  Finish finish_;
  std::optional<Described> failure_;
  Napi::Promise::Deferred deferred_;
};

}  // namespace

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
