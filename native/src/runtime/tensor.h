// What is asked of single tensors: shape, dtype, bytes in and out, identity of the storage.
#pragma once

#include "instance_data.h"

namespace noether {
// True when the storage is JavaScript memory (see `fromBuffer`), which lives only as long as its environment.
bool is_javascript_memory(const at::Tensor& tensor);
}  // namespace noether
