#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/amx.h"

namespace noether::amx {

// ATen's threads and memory. Up to 64 MiB are kept for the calling thread's next kernel, as fresh pages cost more than
// a small kernel; what is larger is put into `large`.
Runtime runtime(at::Tensor& large);

}  // namespace noether::amx
