// Storages as bytes.
#pragma once

#include "torch_setup.h"

namespace noether {

// A 1-D uint8 tensor over a storage of any device.
at::Tensor bytes_of(const c10::Storage& storage, int64_t offset, int64_t length);

// Whether values of this dtype are their bytes, so that a file can hold them.
bool is_storable(at::ScalarType type);

// The tensor's storage. Throws ERR_ARGUMENT for tensors without memory of their own (sparse, nested, "meta").
const c10::Storage& storage_of(const at::Tensor& tensor);

// Fresh memory is touched for the first time by the read: with huge pages that costs a fraction.
void advise_huge_pages(void* data, size_t length);

}  // namespace noether
