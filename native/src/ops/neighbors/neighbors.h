// Neighbour search between point clouds, as dispatcher operators:
//
//   noether::radius(Tensor x, Tensor y, float r, int? max_num_neighbors=None, Tensor? batch_x=None, Tensor?
//   batch_y=None) -> Tensor noether::knn(Tensor x, Tensor y, int k, Tensor? batch_x=None, Tensor? batch_y=None) ->
//   Tensor
//
// x (N, P) are the points that are found, y (M, P) those that look for them; batch_x and batch_y (int64) give the
// sample of each, and only points of the same sample meet. The result is int64 of shape (2, E): row 0 indexes y, row 1
// indexes x.
//
// - radius: all pairs with distance <= r, y ascending, then x ascending (samples one after the other); of each y only
// the first
//   max_num_neighbors, thus those with the lowest index and not the nearest.
// - knn: the min(k, points of the sample) nearest x of each y, nearest first, the lower index first where distances are
// equal.
//
// radius_table and knn_table find the same neighbours, with a result of a size that is known ahead: index (M, K) into x, 0
// where there is no neighbour, and whether there is one, (M, K) bool, in places for as many as each y may have. Nothing
// waits for the device.
//
// Distances are those of torch.cdist without the matrix product: the root of the sum of squares in the dtype of x.
// The result does not depend on the number of threads, nor on the device. On the CPU, and on CUDA where its kernels are
// built (`cuda/neighbors.cuh`), both take about O(N) time at fixed density; on other devices they compare all pairs, a
// block of the distance matrix at a time.
#pragma once

#include <ATen/core/Tensor.h>
#include <optional>

namespace noether {

at::Tensor radius(const at::Tensor& x, const at::Tensor& y, double r, std::optional<int64_t> max_num_neighbors,
                  const std::optional<at::Tensor>& batch_x, const std::optional<at::Tensor>& batch_y);

at::Tensor knn(const at::Tensor& x, const at::Tensor& y, int64_t k, const std::optional<at::Tensor>& batch_x,
               const std::optional<at::Tensor>& batch_y);

}  // namespace noether
