#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/runtime.h"

namespace noether::kernels {

// ATen's threads and memory. Up to 64 MiB are kept for the calling thread's next kernel, as fresh pages cost more than
// a small kernel; what is larger is put into `large`.
Runtime aten_runtime(at::Tensor& large);

}  // namespace noether::kernels
