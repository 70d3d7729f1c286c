// Attention of CUDA's fused kernels, which have no counterpart under the same name on the CPU.
#pragma once
#include <ATen/core/function_schema.h>
#include <ATen/core/stack.h>

#include <optional>

namespace fake {

// The results of a fused attention operator, or of its backward, whose CPU arguments are `inputs`: those of interest have
// values, the others are None. Nothing for other operators.
std::optional<torch::jit::Stack> attention_values(const c10::FunctionSchema& schema, const torch::jit::Stack& inputs);

}  // namespace fake
