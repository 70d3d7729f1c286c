// Values of graphs: what is recorded computes nothing, and each launch of the graph computes it.
#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace fake {

// Whether a graph is recorded.
bool recording();

// Notes an operator of the graph that is recorded, with what it was given and what it returned. `compute` does at a launch
// what the mode does at a call.
using Compute = void (*)(const c10::OperatorHandle& op, const torch::jit::Stack& inputs, torch::jit::Stack& results);
void note(const c10::OperatorHandle& op, const torch::jit::Stack& inputs, const torch::jit::Stack& results,
          Compute compute);

}  // namespace fake
