#include "runtime/garbage.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "exports.h"
#include "instance_data.h"
#include "napi/arguments.h"
#include "napi/callbacks.h"
#include "runtime/cycles.h"
#include "runtime/device_memory.h"
#include "runtime/memory.h"

namespace noether {

namespace {

// Processor time of this thread in seconds: unlike the clock, it does not depend on what else the machine does.
double thread_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// V8 collects at once, and fully, when external memory grows beyond every limit.
void force_collection(napi_env env) {
  constexpr int64_t kBeyond = int64_t{1} << 45;
  int64_t total;
  napi_adjust_external_memory(env, kBeyond, &total);
  napi_adjust_external_memory(env, -kBeyond, &total);
}

// The tensor's share of its memory; that of a device counts less.
int64_t own_bytes(const at::Tensor& tensor, int64_t device_share) {
  const c10::TensorImpl& impl = *tensor.unsafeGetTensorImpl();
  if (!impl.has_storage()) return 0;
  const at::Storage& storage = impl.unsafe_storage();
  const auto bytes = static_cast<int64_t>(storage.nbytes() / std::max<size_t>(1, storage.use_count()));
  return tensor.is_cpu() ? bytes : bytes / device_share;
}

bool is_collected(napi_env env, napi_ref object) {
  const Napi::HandleScope scope(env);
  napi_value value = nullptr;
  return napi_get_reference_value(env, object, &value) == napi_ok && !value;
}

}  // namespace

void Garbage::track(Addon& addon, napi_env env, napi_value object, double handle) {
  napi_ref reference;
  if (napi_create_reference(env, object, 0, &reference) != napi_ok) return;
  tracked_.push_back({reference, handle});
  const at::Tensor& tensor = addon.tensors.peek(handle);
  bytes_ += own_bytes(tensor, kDeviceShare);
  if (tracked_.size() > limits_.count || counts_too_much(tensor)) relieve(addon, env);
}

bool Garbage::counts_too_much(const at::Tensor& tensor) {
  if (tensor.is_cpu() || ++device_tensors_ < kDeviceTensors) {
    return bytes_ > limits_.bytes || allocated_bytes().now > limits_.total;
  }
  device_tensors_ = 0;
  device_total_ = device_bytes();
  return bytes_ > limits_.bytes || device_total_ > limits_.device;
}

void Garbage::make_room(Addon& addon, napi_env env) {
  collect(addon, env);
  set_limits();
}

int64_t Garbage::prune(Addon& addon, napi_env env) {
  int64_t bytes = 0;
  size_t kept = 0;
  std::vector<double> ended;
  for (const Tracked& entry : tracked_) {
    const bool live = addon.tensors.is_live(entry.handle);
    if (live && !is_collected(env, entry.object)) {
      bytes += own_bytes(addon.tensors.peek(entry.handle), kDeviceShare);
      tracked_[kept++] = entry;
      continue;
    }
    napi_delete_reference(env, entry.object);
    if (live) ended.push_back(entry.handle);
  }
  tracked_.resize(kept);
  // The last first: the C library joins what is next to free memory, and starts from the end of the heap.
  for (size_t i = ended.size(); i-- > 0;) addon.tensors.free(ended[i]);
  return bytes;
}

void Garbage::relieve(Addon& addon, napi_env env) {
  // V8's frequent collections of young objects have found most small ones, and others were disposed of.
  bytes_ = prune(addon, env);
  const int64_t before = allocated_bytes().now;
  const bool device_fits = device_total_ <= limits_.device / 2 || (device_total_ = device_bytes()) <= limits_.device / 2;
  if (tracked_.size() <= limits_.count / 2 && bytes_ <= limits_.bytes / 2 && before <= limits_.total / 2 && device_fits) {
    // What is left may be garbage still, so the limits only come down.
    const Limits old = limits_;
    set_limits();
    limits_ = {std::min(old.count, limits_.count), std::min(old.bytes, limits_.bytes),
               std::min(old.total, limits_.total), std::min(old.device, limits_.device)};
    return;
  }
  const size_t count = tracked_.size();
  const int64_t bytes = bytes_, device_before = device_total_;
  collect(addon, env);
  const double end = thread_seconds(), share = cost_ / (end - last_end_);
  const bool fruitless = tracked_.size() > count / 2 && bytes_ > bytes / 2 && allocated_bytes().now > before / 2 &&
                         device_total_ >= device_before / 2;
  if (share > 0.05 || fruitless) patience_ = std::min(2 * patience_, kMaxPatience);
  if (share < 0.02 && !fruitless) patience_ = std::max<int64_t>(1, patience_ / 2);
  last_end_ = end;
  set_limits();
}

void Garbage::set_limits() {
  const int64_t spare = kBytes * (cost_ > kLong ? patience_ : std::min(patience_, kMaxPatienceForBytes));
  limits_ = {2 * tracked_.size() + kCount * static_cast<size_t>(patience_), 2 * bytes_ + spare,
             2 * allocated_bytes().now + spare, 2 * device_total_ + kDeviceShare * spare};
}

void Garbage::collect(Addon& addon, napi_env env) {
  {
    // Not while a pass runs: the engine reaches callbacks that no tensor does.
    std::optional<LooseCallbacks> loose;
    if (has_new_callbacks(addon) && !addon.callbacks->is_calling()) {
      loose.emplace(addon, env);
      known_callbacks_ = addon.callbacks->newest();
    }
    const double start = thread_seconds();
    force_collection(env);
    cost_ = thread_seconds() - start;
  }
  bytes_ = prune(addon, env);
  if (device_total_ > 0) device_total_ = device_bytes();
  addon.callbacks->reap();
}

void Garbage::sweep(Addon& addon, napi_env env) {
  bytes_ = prune(addon, env);
  addon.callbacks->reap();
  if (has_new_callbacks(addon)) collect(addon, env);
  set_limits();
}

void Garbage::forget(napi_env env) {
  for (const Tracked& entry : tracked_) napi_delete_reference(env, entry.object);
  tracked_.clear();
}

// Only these can have closed a new cycle.
bool Garbage::has_new_callbacks(const Addon& addon) const {
  if (addon.callbacks->newest() == known_callbacks_) return false;
  for (const auto& [id, entry] : addon.callbacks->entries()) {
    if (id > known_callbacks_ && entry.owner) return true;
  }
  return false;
}

namespace {

// Called for every tensor that no scope owns, so raw.
napi_value track(napi_env env, napi_callback_info info) {
  std::array<napi_value, 2> argv;
  size_t argc = argv.size();
  void* data;
  double handle;
  if (napi_get_cb_info(env, info, &argc, argv.data(), nullptr, &data) != napi_ok || argc != 2 ||
      napi_get_value_double(env, argv[1], &handle) != napi_ok) {
    return nullptr;
  }
  Addon& addon = *static_cast<Addon*>(data);
  try {
    if (addon.tensors.is_live(handle)) addon.garbage->track(addon, env, argv[0], handle);
  } catch (const Napi::Error& error) {
    raise(error);
  } catch (...) {
    raise(to_js_error(env, "track"));
  }
  return nullptr;
}

Napi::Value sweep(Addon& addon, const Arguments& arguments) {
  addon.garbage->sweep(addon, arguments.env());
  return arguments.env().Undefined();
}

}  // namespace

void export_garbage(Napi::Env env, Napi::Object exports) {
  napi_value function;
  napi_create_function(env, "track", NAPI_AUTO_LENGTH, track, &Addon::of(env), &function);
  exports.Set("track", function);
  define<sweep>(exports, "sweep");
}

}  // namespace noether
