// Tensors over the memory of an ArrayBuffer, which belongs to JavaScript: it ends with its environment at the latest,
// and JavaScript may transfer it away before.
#pragma once

#include <atomic>
#include <unordered_map>

#include "napi/napi_setup.h"
#include "torch_setup.h"

namespace noether {

class Arguments;
class Callbacks;

// The borrowed memory of one environment.
class BorrowedMemory {
 public:
  // A tensor over `data`, a part of `buffer`, which lives as long as the tensor.
  at::Tensor tensor(Callbacks& callbacks, Napi::Object buffer, void* data, at::IntArrayRef shape, at::ScalarType type);
  // Throws where memory that a graph may have saved was taken away.
  void check() const;
  // When the environment ends: what is still used elsewhere goes on with a copy.
  void move_out();

 private:
  void forget_ended();

  std::unordered_map<uint64_t, c10::weak_intrusive_ptr<c10::StorageImpl>> storages_;
  size_t forget_at_ = 64;
};

// The deleter of borrowed memory: what it is recognised by.
void return_borrowed(void* context);
// Storages over borrowed memory in the process.
extern std::atomic<int64_t> borrowed_count;

// True for a tensor over borrowed memory, and for one without a storage of its own (a sparse one) that may have parts there.
inline bool is_borrowed(const at::Tensor& tensor) {
  const c10::TensorImpl& impl = *tensor.unsafeGetTensorImpl();
  if (!impl.has_storage()) return borrowed_count.load(std::memory_order_relaxed) > 0;
  return impl.unsafe_storage().data_ptr().get_deleter() == return_borrowed;
}

// Throws ERR_MEMORY_LOST where JavaScript has taken the memory away.
void check_borrowed(const at::Tensor& tensor);

// Whether any of the tensor's memory (values, indices) is borrowed.
bool touches_borrowed(const at::Tensor& tensor);

}  // namespace noether
