// The Euclidean norm of all entries of a list of tensors, as a dispatcher operator:
//
//   noether::total_norm(Tensor[] tensors) -> Tensor
//
// Dense float32 tensors on the CPU are read in one parallel pass, with sums in float64 whose order does not depend on
// the number of threads; anything else by the foreach operators.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/vectors.h"
#include "ops/dense.h"
#include "ops/registration.h"

namespace noether {
namespace {

using at::Tensor;

constexpr int64_t kPiece = 16384;  // elements

NOETHER_VECTOR_CLONES double sum_of_squares(const float* __restrict x, int64_t count) {
  constexpr int64_t kLanes = 16;
  double sums[kLanes] = {};
  const int64_t whole = count - count % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const double value = x[i + lane];
      sums[lane] += value * value;
    }
  }
  for (int64_t i = whole; i < count; ++i) sums[0] += static_cast<double>(x[i]) * x[i];
  return std::accumulate(sums, sums + kLanes, 0.0);
}

struct Piece {
  const float* data;
  int64_t count;
};

Tensor total_norm(at::TensorList tensors) {
  TORCH_CHECK(!tensors.empty(), "total_norm: expected at least one tensor");
  std::vector<Piece> pieces;
  for (const Tensor& tensor : tensors) {
    if (!is_dense_cpu(tensor, at::kFloat) || !tensor.is_non_overlapping_and_dense()) {
      return at::linalg_vector_norm(at::stack(at::_foreach_norm(tensors)));
    }
    const auto* data = tensor.const_data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); i += kPiece)
      pieces.push_back({data + i, std::min(kPiece, tensor.numel() - i)});
  }
  std::vector<double> sums(pieces.size());
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) sums[i] = sum_of_squares(pieces[i].data, pieces[i].count);
  });
  const double norm = std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
  return at::scalar_tensor(static_cast<float>(norm), tensors[0].options());
}

}  // namespace

NOETHER_LIBRARY(library) {
  define_plain(library, "total_norm(Tensor[] tensors) -> Tensor", TORCH_FN(total_norm));
}

}  // namespace noether
