#include "napi/borrowed_memory.h"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstring>

#include "napi/callbacks.h"
#include "napi/errors.h"

namespace noether {

std::atomic<int64_t> borrowed_count{0};

namespace {

// The context of a borrowed storage.
struct Loan {
  std::shared_ptr<Callbacks::Ticket> buffer;
};

bool is_gone(const Loan& loan) {
  const std::shared_ptr<Callbacks> owner = loan.buffer->owner();
  if (!owner || !owner->on_own_thread()) return false;
  const Napi::HandleScope scope(owner->env());
  bool detached = false;
  return napi_is_detached_arraybuffer(owner->env(), owner->value(loan.buffer->id()), &detached) == napi_ok && detached;
}

bool is_gone(const c10::StorageImpl& storage) {
  const at::DataPtr& data = storage.data_ptr();
  return data.get_deleter() == return_borrowed && is_gone(*static_cast<const Loan*>(data.get_context()));
}

[[noreturn]] void fail_lost() {
  fail("ERR_MEMORY_LOST",
       "the ArrayBuffer under a tensor of fromBuffer() was transferred away: copy the data instead (fromTypedArray), or "
       "transfer it when the tensor is disposed of");
}

// The storages of a tensor, also of those that consist of several.
template <typename Visit>
void for_each_storage(const at::Tensor& tensor, Visit visit) {
  if (tensor.unsafeGetTensorImpl()->has_storage()) {
    visit(*tensor.storage().unsafeGetStorageImpl());
    return;
  }
  switch (tensor.layout()) {
    case at::kSparse:
      for_each_storage(tensor._indices(), visit);
      for_each_storage(tensor._values(), visit);
      break;
    case at::kSparseCsr:
    case at::kSparseBsr:
      for_each_storage(tensor.crow_indices(), visit);
      for_each_storage(tensor.col_indices(), visit);
      for_each_storage(tensor.values(), visit);
      break;
    case at::kSparseCsc:
    case at::kSparseBsc:
      for_each_storage(tensor.ccol_indices(), visit);
      for_each_storage(tensor.row_indices(), visit);
      for_each_storage(tensor.values(), visit);
      break;
    default:
      break;
  }
}

}  // namespace

void return_borrowed(void* context) {
  delete static_cast<Loan*>(context);
  borrowed_count.fetch_sub(1, std::memory_order_relaxed);
}

void check_borrowed(const at::Tensor& tensor) {
  for_each_storage(tensor, [](const c10::StorageImpl& storage) {
    if (is_gone(storage)) fail_lost();
  });
}

bool touches_borrowed(const at::Tensor& tensor) {
  bool found = false;
  for_each_storage(tensor, [&](const c10::StorageImpl& storage) {
    found = found || storage.data_ptr().get_deleter() == return_borrowed;
  });
  return found;
}

at::Tensor BorrowedMemory::tensor(Callbacks& callbacks, Napi::Object buffer, void* data, at::IntArrayRef shape,
                                  at::ScalarType type) {
  const auto ticket = callbacks.keep(buffer);
  borrowed_count.fetch_add(1, std::memory_order_relaxed);
  at::Tensor tensor = at::for_blob(data, shape)
                          .context(new Loan{ticket}, return_borrowed)
                          .options(at::TensorOptions(type))
                          .make_tensor();
  if (storages_.size() >= forget_at_) forget_ended();
  storages_.emplace(ticket->id(), tensor.storage().getWeakStorageImpl());
  return tensor;
}

void BorrowedMemory::forget_ended() {
  std::erase_if(storages_, [](const auto& entry) { return entry.second.expired(); });
  forget_at_ = std::max<size_t>(64, 2 * storages_.size());
}

void BorrowedMemory::check() const {
  for (const auto& [id, weak] : storages_) {
    const auto storage = weak.lock();
    if (storage && is_gone(*storage)) fail_lost();
  }
}

void BorrowedMemory::move_out() {
  for (const auto& [id, weak] : storages_) {
    const auto storage = weak.lock();
    if (!storage || storage->data_ptr().get_deleter() != return_borrowed) continue;
    at::DataPtr copy = c10::GetCPUAllocator()->allocate(storage->nbytes());
    if (is_gone(*storage)) {
      std::memset(copy.get(), 0, storage->nbytes());
    } else if (storage->nbytes() > 0) {
      std::memcpy(copy.get(), storage->data(), storage->nbytes());
    }
    storage->set_data_ptr_noswap(std::move(copy));
  }
  storages_.clear();
}

}  // namespace noether
