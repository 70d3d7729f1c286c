// Frees the tensors whose JavaScript objects are gone: those that no scope owns.
//
// V8 does not see the memory behind a handle, and telling it per tensor costs a hundred times the tensor. So the objects
// are tracked by weak references, and when much has been made since the last time, V8 is made to collect and the handles
// of objects that did not survive are freed at once, also inside a synchronous loop.
#pragma once

#include <vector>

#include "napi/napi_setup.h"
#include "torch_setup.h"

namespace noether {

struct Addon;

class Garbage {
 public:
  // Watches the object that owns the handle. May collect.
  void track(Addon& addon, napi_env env, napi_value object, double handle);
  // After V8 collected for reasons of its own: frees what it found, and cycles through JavaScript (see cycles.h).
  void sweep(Addon& addon, napi_env env);

  // Where memory has run out: collects whatever the limits say.
  void make_room(Addon& addon, napi_env env);

  // When the environment ends.
  void forget(napi_env env);

  struct Tracked {
    napi_ref object;  // weak
    double handle;
  };
  const std::vector<Tracked>& tracked() const { return tracked_; }

 private:
  void relieve(Addon& addon, napi_env env);
  void collect(Addon& addon, napi_env env);
  void set_limits();
  bool has_new_callbacks(const Addon& addon) const;
  bool counts_too_much(const at::Tensor& tensor);
  // Frees the handles of objects that are gone, drops their entries, and counts the bytes of the rest.
  int64_t prune(Addon& addon, napi_env env);

  static constexpr size_t kCount = size_t{1} << 12;
  static constexpr int64_t kBytes = int64_t{32} << 20;
  static constexpr int64_t kMaxPatience = 32;
  // For bytes, up to 128 MiB; all of it where collecting takes long, as with a large JavaScript heap.
  static constexpr int64_t kMaxPatienceForBytes = 4;
  static constexpr double kLong = 0.1;

  // A device has many times the memory of a cache, and its allocator keeps what is freed: collecting early gains less there.
  static constexpr int64_t kDeviceShare = 8;
  // Asking a device's allocator takes a lock and a microsecond or two.
  static constexpr int kDeviceTensors = 8;

  struct Limits {
    size_t count = kCount;   // of tracked objects
    int64_t bytes = kBytes;  // of tracked tensors; those of devices count an eighth
    int64_t total = kBytes;  // of all tensors on the host: a graph holds more than its tensor shows
    int64_t device = kDeviceShare * kBytes;  // the same on devices
  };

  std::vector<Tracked> tracked_;
  int64_t bytes_ = 0;
  int64_t device_total_ = 0;   // as it was when the allocators were asked
  int device_tensors_ = 0;     // tracked since then
  Limits limits_;
  // Multiplies the limits: collecting early keeps memory small and warm, collecting often costs time.
  int64_t patience_ = 1;
  double cost_ = 0, last_end_ = 0;  // of the last collection, in seconds of this thread
  uint64_t known_callbacks_ = 0;    // those up to here were looked at
};

}  // namespace noether
