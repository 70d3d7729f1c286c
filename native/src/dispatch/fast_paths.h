// Shorter ways for a few hot operators. On tiny tensors the way to the kernel costs more than the kernel, so these skip
// boxing, and where the result is plain to see (same shapes, contiguous) the kernel's own set-up; they compute the same
// numbers in the same order as ATen, and record gradients with nodes of our own (recorded_nodes.h). Large products and
// GELU go to kernels of our own (matmul.h, linear.h, gelu.h). Everything that is not the plain case goes the general
// way.
#pragma once

#include <string>

#include "instance_data.h"

namespace noether {

// Sets `result` and returns true, or returns false without effect: then the general way converts, checks and calls.
using FastPath = bool (*)(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result);

// The fast path of an operator ("aten::add.Tensor"), or null.
FastPath find_fast_path(const std::string& qualified_name);

}  // namespace noether
