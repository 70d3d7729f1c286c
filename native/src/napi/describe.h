// How messages name tensors and dtypes.
#pragma once

#include <string>

#include "torch_setup.h"

namespace noether {

// "float32 (2, 3)", "bfloat16 (4) cuda:0"
std::string describe(const at::Tensor& tensor);

// PyTorch's name of a dtype: "float32".
std::string dtype_name(at::ScalarType type);

}  // namespace noether
