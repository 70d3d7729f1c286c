#include "runtime/profiler.h"

#include <ATen/record_function.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>

#include "exports.h"
#include "napi/arguments.h"

namespace noether {

namespace {

namespace kineto = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;
using torch::profiler::impl::ProfilerConfig;
using torch::profiler::impl::ProfilerState;

// Of the process, as Kineto's own state is.
std::atomic<bool> is_taken{false};

// Kineto tells of every start and stop on stderr, unless this variable says otherwise when it is first used.
void quieten() {
#ifndef _WIN32
  static std::once_flag once;
  std::call_once(once, [] { setenv("KINETO_LOG_LEVEL", "99", /*overwrite=*/0); });
#endif
}

ProfilerConfig config_of(const Profiler::Options& options) {
  return ProfilerConfig(
      ProfilerState::KINETO, options.record_shapes, options.profile_memory, /*with_stack=*/false, options.with_flops);
}

std::set<ActivityType> activities_of(const Profiler::Options& options) {
  std::set<ActivityType> activities;
  if (options.cpu) activities.insert(ActivityType::CPU);
  if (options.cuda) activities.insert(ActivityType::CUDA);
  return activities;
}

}  // namespace

Profiler::Profiler(const Options& options) : options_(options) {
  if (is_taken.exchange(true)) fail("ERR_UNSUPPORTED", "another profiler of this process is active: there can be one at a time");
  try {
    quieten();
    kineto::prepareProfiler(config_of(options), activities_of(options));
  } catch (...) {
    is_taken = false;
    throw;
  }
}

Profiler::~Profiler() {
  try {
    // Kineto has no way back from its preparation but through a recording.
    if (stage_ == Stage::prepared) start();
    exit(1);
    if (stage_ == Stage::recording) kineto::disableProfiler();
  } catch (...) {
    // it recorded nothing that somebody waits for
  }
  is_taken = false;
}

void Profiler::start() {
  kineto::enableProfiler(config_of(options_), activities_of(options_));
  stage_ = Stage::recording;
}

size_t Profiler::enter(const std::string& name) {
  auto range = std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
  if (range->isActive()) range->before(name);
  ranges_.push_back(std::move(range));
  return ranges_.size();
}

void Profiler::exit(size_t depth) {
  while (ranges_.size() >= depth && !ranges_.empty()) ranges_.pop_back();
}

void Profiler::save(const std::string& path) {
  exit(1);
  stage_ = Stage::ended;
  const std::unique_ptr<kineto::ProfilerResult> result = kineto::disableProfiler();
  result->save(path);
}

namespace {

Profiler& active(Addon& addon) {
  if (!addon.profiler) fail("ERR_UNSUPPORTED", "internal: no profiler is active in this thread");
  return *addon.profiler;
}

Napi::Value profiler_prepare(Addon& addon, const Arguments& arguments) {
  const Profiler::Options options{
      arguments.boolean(0, "cpu"),
      arguments.boolean(1, "cuda"),
      arguments.boolean(2, "recordShapes"),
      arguments.boolean(3, "profileMemory"),
      arguments.boolean(4, "withFlops")};
  addon.profiler = std::make_unique<Profiler>(options);
  return arguments.env().Undefined();
}

Napi::Value profiler_start(Addon& addon, const Arguments& arguments) {
  active(addon).start();
  return arguments.env().Undefined();
}

Napi::Value profiler_enter(Addon& addon, const Arguments& arguments) {
  const size_t depth = active(addon).enter(arguments.string(0, "name"));
  return Napi::Number::New(arguments.env(), static_cast<double>(depth));
}

Napi::Value profiler_exit(Addon& addon, const Arguments& arguments) {
  const int64_t depth = arguments.integer(0, "depth");
  if (depth < 1) fail("ERR_ARGUMENT", "internal: ranges of the profiler are numbered from 1");
  if (addon.profiler) addon.profiler->exit(static_cast<size_t>(depth));
  return arguments.env().Undefined();
}

Napi::Value profiler_save(Addon& addon, const Arguments& arguments) {
  const std::string path = arguments.string(0, "path");
  active(addon);
  const std::unique_ptr<Profiler> profiler = std::move(addon.profiler);
  profiler->save(path);
  return arguments.env().Undefined();
}

Napi::Value profiler_cancel(Addon& addon, const Arguments& arguments) {
  addon.profiler.reset();
  return arguments.env().Undefined();
}

}  // namespace

void export_profiler(Napi::Env, Napi::Object exports) {
  define<profiler_prepare>(exports, "profilerPrepare");
  define<profiler_start>(exports, "profilerStart");
  define<profiler_enter>(exports, "profilerEnter");
  define<profiler_exit>(exports, "profilerExit");
  define<profiler_save>(exports, "profilerSave");
  define<profiler_cancel>(exports, "profilerCancel");
}

}  // namespace noether
