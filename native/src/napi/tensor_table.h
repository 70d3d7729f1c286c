// The table of live tensors of one environment. JavaScript holds integer handles: a slot and the slot's generation, so
// that a handle that was freed is recognised for what it is. Only the environment's own thread touches its table.
#pragma once

#include <cstdint>
#include <vector>

#include "napi/errors.h"

namespace noether {

class TensorTable {
 public:
  // A new handle that owns one reference to the tensor. Never 0.
  double put(at::Tensor tensor) {
    uint32_t slot;
    if (free_.empty()) {
      if (slots_.size() >= kMaxSlots) fail("ERR_OUT_OF_MEMORY", "more than 67 million live tensors");
      slot = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot].tensor = std::move(tensor);
    slots_[slot].live = true;
    if (++live_ > peak_) peak_ = live_;
    return static_cast<double>(slots_[slot].generation) * kMaxSlots + slot;
  }

  // The reference is good until the next put.
  const at::Tensor& get(double handle) const { return slots_[slot_of(handle)].tensor; }

  // Moves the tensor out and frees the handle.
  at::Tensor take(double handle) {
    const uint32_t slot = slot_of(handle);
    at::Tensor tensor = std::move(slots_[slot].tensor);
    release(slot);
    return tensor;
  }

  // Frees a handle; one that is not live is ignored, since scopes and explicit disposal may both get there.
  void free(double handle) {
    if (!is_live(handle)) return;
    const auto slot = static_cast<uint32_t>(static_cast<uint64_t>(handle) % kMaxSlots);
    // Out of the table first: what the tensor's end triggers may use the table.
    const at::Tensor ended = std::move(slots_[slot].tensor);
    release(slot);
  }

  bool is_live(double handle) const {
    if (!(handle >= kMaxSlots && handle < 9007199254740992.0)) return false;
    const auto bits = static_cast<uint64_t>(handle);
    const uint64_t slot = bits % kMaxSlots;
    return slot < slots_.size() && slots_[slot].live && slots_[slot].generation == bits / kMaxSlots;
  }

  size_t live() const { return live_; }
  size_t peak() const { return peak_; }
  void reset_peak() { peak_ = live_; }

 private:
  struct Slot {
    at::Tensor tensor;
    uint32_t generation = 1;
    bool live = false;
  };

  static constexpr uint64_t kMaxSlots = uint64_t{1} << 26;
  static constexpr uint32_t kMaxGeneration = (uint32_t{1} << 27) - 1;

  uint32_t slot_of(double handle) const {
    if (!is_live(handle)) fail("ERR_DISPOSED", "the tensor was disposed, or is no tensor of this thread");
    return static_cast<uint32_t>(static_cast<uint64_t>(handle) % kMaxSlots);
  }

  void release(uint32_t slot) {
    slots_[slot].live = false;
    --live_;
    // A slot whose generations are used up is retired, so that a handle never comes to mean another tensor.
    if (slots_[slot].generation++ < kMaxGeneration) free_.push_back(slot);
  }

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t live_ = 0;
  size_t peak_ = 0;
};

}  // namespace noether
