// The table of live tensors of one environment. JavaScript holds integer handles: a slot and the slot's generation, so
// that a handle that was freed is recognised for what it is. Only the environment's own thread touches its table.
#pragma once

#include <cstdint>
#include <vector>

#include "napi/borrowed_memory.h"
#include "napi/errors.h"

namespace noether {

class TensorTable {
 public:
  // `first`: the first generation, different from table to table, so that a handle of another table (another thread, or
  // another copy of the addon) is recognised as well.
  explicit TensorTable(uint32_t first) : first_(first % kFirstGenerations + 1) {}

  // A new handle that owns one reference to the tensor. Never 0.
  double put(at::Tensor tensor) {
    uint32_t slot;
    if (free_.empty()) {
      if (slots_.size() >= kMaxSlots) fail("ERR_OUT_OF_MEMORY", "more than 67 million live tensors");
      slot = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back(first_);
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot].borrowed = is_borrowed(tensor);
    slots_[slot].tensor = std::move(tensor);
    slots_[slot].live = true;
    if (++live_ > peak_) peak_ = live_;
    return static_cast<double>(slots_[slot].generation) * kMaxSlots + slot;
  }

  // The reference is good until the next put. Throws where JavaScript has taken the memory away.
  const at::Tensor& get(double handle) const {
    const Slot& slot = slots_[slot_of(handle)];
    if (slot.borrowed) check_borrowed(slot.tensor);
    return slot.tensor;
  }

  // The same for a live handle, whatever became of its memory: for shapes and names.
  const at::Tensor& peek(double handle) const { return slots_[slot_of(handle)].tensor; }

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

  // Calls visit(handle, tensor) for each live handle.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot].live) {
        visit(static_cast<double>(slots_[slot].generation) * kMaxSlots + static_cast<double>(slot),
              slots_[slot].tensor);
      }
    }
  }

  size_t live() const { return live_; }
  size_t peak() const { return peak_; }
  void reset_peak() { peak_ = live_; }

 private:
  struct Slot {
    explicit Slot(uint32_t first) : generation(first) {}
    at::Tensor tensor;
    uint32_t generation;
    bool live = false;
    bool borrowed = false;
  };

  static constexpr uint64_t kMaxSlots = uint64_t{1} << 26;
  static constexpr uint32_t kMaxGeneration = (uint32_t{1} << 27) - 1;
  static constexpr uint32_t kFirstGenerations = uint32_t{1} << 26;

  uint32_t slot_of(double handle) const {
    if (!is_live(handle)) fail("ERR_DISPOSED", "the tensor was disposed, or is not a tensor of this thread");
    return static_cast<uint32_t>(static_cast<uint64_t>(handle) % kMaxSlots);
  }

  void release(uint32_t slot) {
    slots_[slot].live = false;
    --live_;
    // A slot whose generations are used up is retired, so that a handle never comes to mean another tensor.
    if (slots_[slot].generation++ < kMaxGeneration) free_.push_back(slot);
  }

  uint32_t first_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t live_ = 0;
  size_t peak_ = 0;
};

}  // namespace noether
