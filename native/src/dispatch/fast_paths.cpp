#include "dispatch/fast_paths.h"

#include <ATen/Parallel.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "dispatch/argument_reader.h"
#include "dispatch/recorded_nodes.h"
#include "dispatch/short_sums.h"
#include "dispatch/views.h"
#include "kernels/vectors.h"
#include "light_tensors.h"
#include "ops/gelu.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/matmul.h"

namespace noether {

namespace {

using Guard = c10::impl::ExcludeDispatchKeyGuard;

// Above this size the kernel's set-up no longer matters, and threads win.
constexpr int64_t kSmall = 4096;
bool is_dense_float(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
}

bool is_small_float(const at::Tensor& tensor) {
  return is_dense_float(tensor) && tensor.numel() <= kSmall;
}

using ElementwiseRow = void (*)(const float* x, const float* y, int64_t count, float* z);

// Large tensors of the same shape need no iterator either, only threads.
template <typename Record>
bool elementwise(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result,
                 ElementwiseRow apply, Record record) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& a = read.tensor(0);
  const at::Tensor& b = read.tensor(1);
  read.expect_at_most(2);
  if (!read.ok || !is_dense_float(a) || !is_dense_float(b) || !a.sizes().equals(b.sizes())) return false;
  at::Tensor out = light_empty(a.sizes());
  const float* x = a.const_data_ptr<float>();
  const float* y = b.const_data_ptr<float>();
  float* z = out.mutable_data_ptr<float>();
  const int64_t count = a.numel();
  if (count <= kSmall) {
    apply(x, y, count, z);
  } else {
    constexpr int64_t kPiece = 16384;
    at::parallel_for(0, count, kPiece,
                     [&](int64_t begin, int64_t end) { apply(x + begin, y + begin, end - begin, z + begin); });
  }
  if (read.records) record(out, a, b);
  return read.done(std::move(out), result);
}

bool add(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  return elementwise(addon, env, argc, argv, result, add_rows,
                     [](auto& out, auto& a, auto& b) { recorded::add(out, a, b, /*subtract=*/false); });
}

bool sub(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  return elementwise(addon, env, argc, argv, result, subtract_rows,
                     [](auto& out, auto& a, auto& b) { recorded::add(out, a, b, /*subtract=*/true); });
}

bool mul(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  return elementwise(addon, env, argc, argv, result, multiply_rows, recorded::mul);
}

// Large products have a kernel on many machines; it looks after recording and autocast itself.
bool large_matmul(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  at::Tensor tensors[2];
  if (!read_tensors(addon, env, argc, argv, tensors, 2, 2) || !has_matmul_kernel(tensors[0], tensors[1])) return false;
  return give(addon, env, noether::matmul(tensors[0], tensors[1]), result);
}

bool plain_matmul(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& a = read.tensor(0);
  const at::Tensor& b = read.tensor(1);
  if (!read.ok || argc > 2 || has_matmul_kernel(a, b)) return false;
  const bool matrices = a.dim() == 2 && b.dim() == 2;
  if (read.records && !(matrices && a.is_contiguous() && b.is_contiguous())) return false;
  at::Tensor out;
  {
    const Guard guard(c10::autograd_dispatch_keyset_with_ADInplaceOrView);
    out = matrices ? at::mm(a, b) : at::matmul(a, b);
  }
  if (read.records) recorded::mm(out, a, b);
  return read.done(std::move(out), result);
}

bool large_linear(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  at::Tensor tensors[3];
  if (!read_tensors(addon, env, argc, argv, tensors, 2, 3) || !has_linear_kernel(tensors[0], tensors[1], tensors[2])) {
    return false;
  }
  return give(addon, env, noether::linear(tensors[0], tensors[1], tensors[2]), result);
}

// As `addmm` does it, with the bias written to the result first, but without the set-up of a broadcast copy.
bool small_linear(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& input = read.tensor(0);
  const at::Tensor& weight = read.tensor(1);
  const at::Tensor bias = read.optional_tensor(2);
  if (!read.ok || argc > 3 || !bias.defined() || !is_small_float(input) || !is_small_float(weight) ||
      !is_small_float(bias) || input.dim() != 2 || weight.dim() != 2 || bias.dim() != 1 ||
      input.size(1) != weight.size(1) || bias.size(0) != weight.size(0)) {
    return false;
  }
  const int64_t rows = input.size(0);
  const int64_t columns = weight.size(0);
  if (rows * columns == 0 || rows * columns > kSmall || input.size(1) == 0) return false;
  at::Tensor out = light_empty({rows, columns});
  float* row = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < rows; ++i, row += columns) {
    std::memcpy(row, bias.const_data_ptr<float>(), static_cast<size_t>(columns) * sizeof(float));
  }
  {
    const Guard guard(c10::autograd_dispatch_keyset_with_ADInplaceOrView);
    out.addmm_(input, weight.t());
  }
  if (read.records) recorded::linear(out, input, weight, bias);
  return read.done(std::move(out), result);
}

bool matmul(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  return plain_matmul(addon, env, argc, argv, result) || large_matmul(addon, env, argc, argv, result);
}

bool linear(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  return small_linear(addon, env, argc, argv, result) || large_linear(addon, env, argc, argv, result);
}

// By the error function, "none" or nothing given.
bool is_exact_gelu(napi_env env, size_t argc, const napi_value* argv) {
  if (argc < 2) return true;
  napi_valuetype type;
  napi_typeof(env, argv[1], &type);
  if (type == napi_undefined) return argc == 2;
  char approximate[8];
  size_t length = 0;
  return argc == 2 && napi_get_value_string_utf8(env, argv[1], approximate, sizeof approximate, &length) == napi_ok &&
         std::string_view(approximate, length) == "none";
}

bool gelu(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  at::Tensor x;
  if (!is_exact_gelu(env, argc, argv)) return false;
  if (!read_tensors(addon, env, 1, argv, &x, 1, 1) || !has_gelu_kernel(x)) return false;
  at::Tensor out;
  {
    at::AutoDispatchBelowADInplaceOrView guard;
    out = gelu_rows(x);
  }
  if (x.requires_grad() && c10::GradMode::is_enabled()) recorded::gelu(out, x);
  return give(addon, env, std::move(out), result);
}

bool index_select(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& self = read.tensor(0);
  int64_t dim = read.integer(1);
  const at::Tensor& index = read.tensor(2);
  if (!read.ok || argc > 3 || index.scalar_type() != at::kLong || index.dim() != 1 || !index.is_contiguous() ||
      !self.is_contiguous()) {
    return false;
  }
  if (dim < 0) dim += self.dim();
  if (dim < 0 || dim >= self.dim()) return false;
  c10::SmallVector<int64_t, 6> sizes(self.sizes().begin(), self.sizes().end());
  int64_t outer = 1;
  size_t inner = self.element_size();
  for (int64_t i = 0; i < self.dim(); ++i) {
    if (i < dim) outer *= sizes[i];
    if (i > dim) inner *= static_cast<size_t>(sizes[i]);
  }
  const int64_t length = sizes[dim];
  const int64_t count = index.numel();
  if (outer * count * static_cast<int64_t>(inner) > 4 * kSmall) return false;
  const int64_t* indices = index.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] < 0 || indices[i] >= length) return false;  // ATen names the mistake
  }
  sizes[dim] = count;
  at::Tensor out = light_empty(sizes, self.scalar_type());
  const char* source = static_cast<const char*>(self.const_data_ptr());
  char* target = static_cast<char*>(out.mutable_data_ptr());
  for (int64_t o = 0; o < outer; ++o, source += static_cast<size_t>(length) * inner) {
    for (int64_t i = 0; i < count; ++i, target += inner) {
      std::memcpy(target, source + static_cast<size_t>(indices[i]) * inner, inner);
    }
  }
  if (read.records) recorded::index_select(out, self, dim, index);
  return read.done(std::move(out), result);
}

// A dimension counted from the front; negative where there is none.
int64_t from_the_front(int64_t dim, const at::Tensor& tensor) {
  if (dim >= tensor.dim()) return -1;
  return dim < 0 ? dim + tensor.dim() : dim;
}

// Small dense tensors are copied row by row; the rest is ATen's.
at::Tensor cat_small(at::TensorList tensors, int64_t dim) {
  c10::SmallVector<int64_t, 6> sizes(tensors[0].sizes().begin(), tensors[0].sizes().end());
  if (dim < 0) dim += static_cast<int64_t>(sizes.size());
  if (dim < 0 || dim >= static_cast<int64_t>(sizes.size())) return {};
  sizes[dim] = 0;
  int64_t elements = 0;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.is_contiguous()) return {};
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (static_cast<int64_t>(i) != dim && tensor.size(i) != sizes[i]) return {};
    }
    sizes[dim] += tensor.size(dim);
    elements += tensor.numel();
  }
  if (elements > kSmall) return {};
  at::Tensor out = light_empty(sizes, tensors[0].scalar_type());
  int64_t outer = 1;
  for (int64_t i = 0; i < dim; ++i) outer *= sizes[i];
  char* target = static_cast<char*>(out.mutable_data_ptr());
  for (int64_t row = 0; row < outer; ++row) {
    for (const at::Tensor& tensor : tensors) {
      const size_t bytes = tensor.nbytes() / static_cast<size_t>(outer);
      if (bytes > 0) std::memcpy(target, static_cast<const char*>(tensor.const_data_ptr()) + row * bytes, bytes);
      target += bytes;
    }
  }
  return out;
}

bool cat(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const auto tensors = read.tensors(0);
  const int64_t dim = read.optional_integer(1).value_or(0);
  if (!read.ok || argc > 2 || tensors.empty()) return false;
  for (const at::Tensor& tensor : tensors) {
    // An empty vector joins anything, and mixed types are promoted: both are ATen's to handle.
    if (tensor.dim() != tensors[0].dim() || tensor.dim() == 0 || tensor.scalar_type() != tensors[0].scalar_type()) {
      return false;
    }
  }
  const at::TensorList list(tensors.data(), tensors.size());
  at::Tensor out = cat_small(list, dim);
  if (!out.defined()) {
    const Guard guard(c10::autograd_dispatch_keyset_with_ADInplaceOrView);
    out = at::cat(list, dim);
  }
  if (read.records) recorded::cat(out, list, dim);
  return read.done(std::move(out), result);
}

bool reshape(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const auto shape = read.integers(1);  // lists first: reading one can run JavaScript, which can free the tensor
  const at::Tensor& self = read.tensor(0);
  if (!read.ok || argc > 2 || !self.is_contiguous()) return false;
  at::Tensor out = reshaped_view(self, shape);
  if (read.records) recorded::reshape(out, self);
  return read.done(std::move(out), result);
}

bool transpose(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& self = read.tensor(0);
  const int64_t dim0 = from_the_front(read.integer(1), self);
  const int64_t dim1 = from_the_front(read.integer(2), self);
  if (!read.ok || argc > 3 || dim0 < 0 || dim1 < 0) return false;
  at::Tensor out = transposed_view(self, dim0, dim1);
  if (read.records) recorded::transpose(out, self, dim0, dim1);
  return read.done(std::move(out), result);
}

bool slice(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& self = read.tensor(0);
  const int64_t dim = from_the_front(read.optional_integer(1).value_or(0), self);
  const int64_t start = read.optional_integer(2).value_or(0);
  const int64_t end = read.optional_integer(3).value_or(std::numeric_limits<int64_t>::max());
  const int64_t step = read.optional_integer(4).value_or(1);
  if (!read.ok || argc > 5 || dim < 0 || step <= 0) return false;
  at::Tensor out = sliced_view(self, dim, start, end, step);
  if (read.records) recorded::slice(out, self, dim, start, end, step);
  return read.done(std::move(out), result);
}

// Short rows are added here; the rest is ATen's.
at::Tensor sum_over(const at::Tensor& self, at::IntArrayRef dims, bool keepdim) {
  at::Tensor out;
  if (is_small_float(self)) out = sum_short_rows(self, dims, keepdim);
  if (out.defined()) return out;
  const Guard guard(c10::autograd_dispatch_keyset_with_ADInplaceOrView);
  return dims.empty() ? self.sum() : at::sum(self, dims, keepdim);
}

bool sum(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& self = read.tensor(0);
  read.expect_at_most(1);
  if (!read.ok) return false;
  at::Tensor out = sum_over(self, {}, /*keepdim=*/false);
  if (read.records) recorded::sum(out, self, {}, /*keepdim=*/false);
  return read.done(std::move(out), result);
}

bool sum_dim(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const auto dims = read.integers_or_one(1);
  const at::Tensor& self = read.tensor(0);
  const bool keepdim = read.optional_boolean(2);
  read.expect_at_most(3);
  if (!read.ok || dims.empty() || self.dim() == 0) return false;
  at::Tensor out = sum_over(self, dims, keepdim);
  if (read.records) recorded::sum(out, self, dims, keepdim);
  return read.done(std::move(out), result);
}

bool softmax(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const at::Tensor& self = read.tensor(0);
  const int64_t dim = read.integer(1);
  read.expect_at_most(2);
  if (!read.ok || !self.is_floating_point()) return false;
  at::Tensor out;
  {
    const Guard guard(c10::autograd_dispatch_keyset_with_ADInplaceOrView);
    out = at::_softmax(self, dim, /*half_to_float=*/false);
  }
  if (read.records) recorded::softmax(out, self, dim);
  return read.done(std::move(out), result);
}

bool layer_norm(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  ArgumentReader read(addon, env, argc, argv);
  const auto shape = read.integers(1);
  const at::Tensor& input = read.tensor(0);
  const at::Tensor weight = read.optional_tensor(2);
  const at::Tensor bias = read.optional_tensor(3);
  const double eps = read.optional_number(4).value_or(1e-5);
  if (!read.ok || argc > 5) return false;
  at::Tensor out, mean, rstd;
  {
    const Guard guard(c10::autograd_dispatch_keyset_with_ADInplaceOrView);
    std::tie(out, mean, rstd) = has_layer_norm_kernel(input, shape, weight, bias)
                                    ? layer_norm_rows(input, weight, bias, eps)
                                    : at::native_layer_norm(input, shape, weight, bias, eps);
  }
  if (read.records) recorded::layer_norm(out, input, shape, weight, bias, mean, rstd);
  return read.done(std::move(out), result);
}

// Called through the dispatcher these would be asked of the resolved tensor, and always say no.
template <bool (*is_lazy)(const at::Tensor&)>
bool lazy_bit(Addon& addon, napi_env env, size_t argc, const napi_value* argv, napi_value* result) {
  double handle;
  if (argc != 1 || napi_get_value_double(env, argv[0], &handle) != napi_ok || !addon.tensors.is_live(handle)) {
    return false;
  }
  return napi_get_boolean(env, is_lazy(addon.tensors.get(handle)), result) == napi_ok;
}

bool is_conj(const at::Tensor& tensor) {
  return tensor.is_conj();
}
bool is_neg(const at::Tensor& tensor) {
  return tensor.is_neg();
}

}  // namespace

FastPath find_fast_path(const std::string& qualified_name) {
  static const std::unordered_map<std::string, FastPath> paths = {
      {"aten::add.Tensor", add},
      {"aten::sub.Tensor", sub},
      {"aten::mul.Tensor", mul},
      {"aten::matmul", matmul},
      {"aten::linear", linear},
      {"aten::gelu", gelu},
      {"aten::index_select", index_select},
      {"aten::cat", cat},
      {"aten::reshape", reshape},
      {"aten::transpose.int", transpose},
      {"aten::slice.Tensor", slice},
      {"aten::sum", sum},
      {"aten::softmax.int", softmax},
      {"aten::sum.dim_IntList", sum_dim},
      {"aten::layer_norm", layer_norm},
      {"aten::is_conj", lazy_bit<is_conj>},
      {"aten::is_neg", lazy_bit<is_neg>},
  };
  const auto found = paths.find(qualified_name);
  return found == paths.end() ? nullptr : found->second;
}

}  // namespace noether
