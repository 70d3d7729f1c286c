// The types that kernels compute with in float32.
#pragma once

namespace noether::cuda {

enum class Real { kFloat, kHalf, kBFloat16 };

}  // namespace noether::cuda
