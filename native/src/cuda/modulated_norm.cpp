// noether::modulated_norm_forward and modulated_norm_backward on CUDA (`ops/modulated_norm.cpp`, which checks the
// arguments).
#include "cuda/modulated_norm.cuh"

#include <ATen/ATen.h>

#include <tuple>

#include "cuda/registration.h"
#include "cuda/tensors.h"

namespace noether::cuda {
namespace {

using at::Tensor;

// The tensors of a problem in the form that the kernels read.
struct Arguments {
  Tensor x, scale, shift;
  ModulatedNorm norm = {};

  Arguments(const Tensor& given_x, const Tensor& given_scale, const Tensor& given_shift, double eps,
            at::ScalarType dtype)
      : x(given_x.resolve_neg().contiguous()), scale(in_rows(given_scale)), shift(in_rows(given_shift)) {
    norm.x = x.const_data_ptr();
    norm.type = real_of(x.scalar_type());
    norm.scale = scale.const_data_ptr();
    norm.shift = shift.const_data_ptr();
    norm.vector_type = real_of(scale.scalar_type());
    norm.scale_stride = scale.stride(0);
    norm.shift_stride = shift.stride(0);
    norm.out_type = real_of(dtype);
    norm.samples = x.size(0);
    norm.rows = x.size(1);
    norm.channels = static_cast<int>(x.size(2));
    norm.eps = static_cast<float>(eps);
    TORCH_CHECK(modulated_norm_takes(norm.type, norm.vector_type, norm.out_type), "no kernel for x of ",
                x.scalar_type(), " with vectors of ", scale.scalar_type(), " and a result of ", dtype);
  }

  static Tensor in_rows(const Tensor& vectors) {
    const Tensor values = vectors.resolve_neg();
    return values.stride(1) == 1 ? values : values.contiguous();
  }
};

std::tuple<Tensor, Tensor, Tensor> forward(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps,
                                           at::ScalarType dtype) {
  const Launching on(x);
  const Arguments arguments(x, scale, shift, eps, dtype);
  const auto options = x.options();
  Tensor y = at::empty(x.sizes(), options.dtype(dtype));
  Tensor mean = at::empty({x.size(0), x.size(1), 1}, options.dtype(at::kFloat)), inverse = at::empty_like(mean);
  C10_CUDA_CHECK(modulated_norm(arguments.norm, y.mutable_data_ptr(), mean.mutable_data_ptr<float>(),
                                inverse.mutable_data_ptr<float>(), on.stream));
  return {y, mean, inverse};
}

std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& given_grad, const Tensor& x, const Tensor& scale,
                                            const Tensor& shift, const Tensor& mean, const Tensor& inverse,
                                            double eps) {
  const Launching on(x);
  const Tensor grad = given_grad.resolve_neg().contiguous();
  const Arguments arguments(x, scale, shift, eps, grad.scalar_type());
  const ModulatedNorm& norm = arguments.norm;
  const float *means = mean.const_data_ptr<float>(), *inverses = inverse.const_data_ptr<float>();
  Tensor grad_x = at::empty(x.sizes(), x.options());
  C10_CUDA_CHECK(
      modulated_norm_backward(norm, grad.const_data_ptr(), means, inverses, grad_x.mutable_data_ptr(), on.stream));
  Tensor grad_scale = at::empty(scale.sizes(), scale.options()), grad_shift = at::empty(shift.sizes(), shift.options());
  const Tensor partial =
      at::empty({2, modulated_norm_chunks(norm), x.size(0), x.size(2)}, x.options().dtype(at::kFloat));
  C10_CUDA_CHECK(modulated_norm_vectors_backward(norm, grad.const_data_ptr(), means, inverses,
                                                 partial.mutable_data_ptr<float>(), grad_scale.mutable_data_ptr(),
                                                 grad_shift.mutable_data_ptr(), on.stream));
  return {grad_x, grad_scale, grad_shift};
}

}  // namespace

NOETHER_CUDA_KERNELS(library) {
  library.impl("modulated_norm_forward", TORCH_FN(forward));
  library.impl("modulated_norm_backward", TORCH_FN(backward));
}

}  // namespace noether::cuda
