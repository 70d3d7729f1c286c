// noether::turn_pairs on CUDA (`ops/rotary.cpp`, which checks the arguments).
#include "cuda/rotary.cuh"

#include <ATen/ATen.h>

#include "cuda/registration.h"
#include "cuda/tensors.h"

namespace noether::cuda {
namespace {

using at::Tensor;

Tensor turn_pairs(const Tensor& x, const Tensor& cos, const Tensor& sin, int64_t half, bool back) {
  const auto in_rows = [](const Tensor& t) { return t.stride(-1) == 1 ? t : t.contiguous(); };
  const Tensor source = in_rows(x.resolve_neg());
  const Tensor c = in_rows(cos.to(at::kFloat).resolve_neg()), s = in_rows(sin.to(at::kFloat).resolve_neg());
  const Tensor y = at::empty({x.size(0), x.size(2), x.size(1), x.size(3)}, x.options());  // (B, N, H, d)
  const auto batch_stride = [](const Tensor& t) { return t.size(0) == 1 ? 0 : t.stride(0); };
  Rotation rotation = {};
  rotation.x = source.const_data_ptr();
  rotation.x_batch = source.stride(0);
  rotation.x_head = source.stride(1);
  rotation.x_token = source.stride(2);
  rotation.cos = c.const_data_ptr<float>();
  rotation.sin = s.const_data_ptr<float>();
  rotation.cos_batch = batch_stride(c);
  rotation.cos_token = c.stride(1);
  rotation.sin_batch = batch_stride(s);
  rotation.sin_token = s.stride(1);
  rotation.y = y.mutable_data_ptr();
  rotation.batches = x.size(0);
  rotation.heads = x.size(1);
  rotation.tokens = x.size(2);
  rotation.channels = static_cast<int>(x.size(3));
  rotation.pairs = static_cast<int>(c.size(2));
  rotation.half = static_cast<int>(half);
  rotation.sign = back ? -1.0F : 1.0F;
  const Launching on(x);
  if (y.numel() > 0) C10_CUDA_CHECK(rotate(rotation, real_of(x.scalar_type()), on.stream));
  return y.transpose(1, 2);
}

}  // namespace

NOETHER_CUDA_KERNELS(library) {
  library.impl("turn_pairs", TORCH_FN(turn_pairs));
}

}  // namespace noether::cuda
