#include "files/storage.h"

#include <sys/mman.h>

#include "napi/describe.h"
#include "napi/errors.h"

namespace noether {

at::Tensor bytes_of(const c10::Storage& storage, int64_t offset, int64_t length) {
  at::Tensor bytes = at::empty({0}, at::TensorOptions().dtype(at::kByte).device(storage.device()));
  return bytes.set_(storage, offset, {length}, {1});
}

bool is_storable(at::ScalarType type) {
  switch (type) {
    case at::ScalarType::Byte:
    case at::ScalarType::Char:
    case at::ScalarType::Short:
    case at::ScalarType::Int:
    case at::ScalarType::Long:
    case at::ScalarType::UInt16:
    case at::ScalarType::UInt32:
    case at::ScalarType::UInt64:
    case at::ScalarType::Half:
    case at::ScalarType::BFloat16:
    case at::ScalarType::Float:
    case at::ScalarType::Double:
    case at::ScalarType::ComplexHalf:
    case at::ScalarType::ComplexFloat:
    case at::ScalarType::ComplexDouble:
    case at::ScalarType::Bool:
    case at::ScalarType::Float8_e4m3fn:
    case at::ScalarType::Float8_e4m3fnuz:
    case at::ScalarType::Float8_e5m2:
    case at::ScalarType::Float8_e5m2fnuz:
    case at::ScalarType::Float8_e8m0fnu:
    case at::ScalarType::Float4_e2m1fn_x2:
    case at::ScalarType::Bits1x8:
    case at::ScalarType::Bits2x4:
    case at::ScalarType::Bits4x2:
    case at::ScalarType::Bits8:
    case at::ScalarType::Bits16:
    case at::ScalarType::QInt8:
    case at::ScalarType::QUInt8:
    case at::ScalarType::QInt32:
      return true;
    default:
      return false;
  }
}

const c10::Storage& storage_of(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || tensor.is_nested() || tensor.is_meta() || !tensor.has_storage() ||
      !is_storable(tensor.scalar_type())) {
    fail("ERR_ARGUMENT", "expected a dense tensor with data to store, got " + describe(tensor));
  }
  return tensor.storage();
}

void advise_huge_pages(void* data, size_t length) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t kHugePage = uintptr_t{2} << 20;
  const uintptr_t from = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) & ~(kHugePage - 1);
  const uintptr_t to = (reinterpret_cast<uintptr_t>(data) + length) & ~(kHugePage - 1);
  if (to > from) ::madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#else
  (void)data;
  (void)length;
#endif
}

}  // namespace noether
