// Sums of short rows, without the set-up of an iterator, which takes several times as long as adding. The order of the
// additions is ATen's, and so are the bits.
#pragma once

#include "torch_setup.h"

namespace noether {

// self.sum(dims, keepdim) of a dense float tensor on the CPU, without a history; no `dims`: over all. Undefined where that
// is not a sum of short rows over all dimensions or the last one.
at::Tensor sum_short_rows(const at::Tensor& self, at::IntArrayRef dims, bool keepdim);

}  // namespace noether
