// noether::radius_edges and noether::knn_edges on CUDA (`ops/neighbors`, which checks the arguments).
#include "cuda/neighbors.cuh"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>

#include "cuda/registration.h"
#include "cuda/tensors.h"

namespace noether::cuda {
namespace {

using at::Tensor;
using Batch = std::optional<Tensor>;

constexpr int64_t kMostPoints = std::numeric_limits<int32_t>::max() - 64;
constexpr int64_t kUnsorted = 512;  // so few points are searched sooner than sorted

std::optional<Tensor> ids_of(const Batch& batch) {
  if (!batch.has_value()) return std::nullopt;
  return batch->to(at::kLong).contiguous();
}

const int64_t* pointer(const std::optional<Tensor>& ids) {
  return ids.has_value() ? ids->const_data_ptr<int64_t>() : nullptr;
}

// A tree and the memory that it lies in.
template <typename T>
struct Tree {
  PointTree<T> view = {};
  Tensor points, index, boxes, lowest;
  std::optional<Tensor> samples;

  Tree(const Tensor& x, const Batch& batch, cudaStream_t stream) {
    const int64_t count = x.size(0), dims = x.size(1);
    TORCH_CHECK(count <= kMostPoints, "at most ", kMostPoints, " points are supported, got ", count);
    TORCH_CHECK(dims <= std::numeric_limits<int>::max(), "too many coordinates: ", dims);
    view.count = count;
    view.dims = static_cast<int>(dims);
    int64_t total = 0;
    for (int64_t level = 0, nodes = count; level < kTreeLevels; ++level) {
      nodes = (nodes + 31) / 32;
      view.nodes[level] = nodes;
      total += nodes;
    }
    points = at::empty({view.nodes[0], dims, 32}, x.options());
    index = at::empty({view.nodes[0], 32}, x.options().dtype(at::kInt));
    boxes = at::empty({total, 2 * kTreeAxes}, x.options());
    lowest = at::empty({total}, x.options().dtype(at::kInt));
    view.points = points.mutable_data_ptr<T>();
    view.index = index.mutable_data_ptr<int32_t>();
    for (int64_t level = 0, first = 0; level < kTreeLevels; first += view.nodes[level++]) {
      view.boxes[level] = boxes.mutable_data_ptr<T>() + first * 2 * kTreeAxes;
      view.lowest[level] = lowest.mutable_data_ptr<int32_t>() + first;
    }
    const std::optional<Tensor> order = order_of(x, batch, stream);
    if (batch.has_value()) samples = order.has_value() ? batch->index_select(0, *order) : *batch;
    view.samples = pointer(samples);
    C10_CUDA_CHECK(build_tree(x.const_data_ptr<T>(), pointer(order), view, stream));
  }

  // Points along the curve, sample after sample.
  std::optional<Tensor> order_of(const Tensor& x, const Batch& batch, cudaStream_t stream) const {
    std::optional<Tensor> order;
    if (view.count > kUnsorted) {
      const Tensor box = at::zeros({2 * kTreeAxes}, x.options().dtype(at::kLong));
      const Tensor codes = at::empty({view.count}, box.options());
      auto* ends = reinterpret_cast<unsigned long long*>(box.mutable_data_ptr<int64_t>());
      C10_CUDA_CHECK(bounds(x.const_data_ptr<T>(), view.count, view.dims, ends, stream));
      C10_CUDA_CHECK(
          sort_codes(x.const_data_ptr<T>(), view.count, view.dims, ends, codes.mutable_data_ptr<int64_t>(), stream));
      order = at::argsort(codes, /*stable=*/true);
    }
    if (!batch.has_value()) return order;
    const Tensor ids = order.has_value() ? batch->index_select(0, *order) : *batch;
    const Tensor by_sample = at::argsort(ids, /*stable=*/true);
    return order.has_value() ? order->index_select(0, by_sample) : by_sample;
  }
};

// Queries, with the memory of their order.
template <typename T>
struct Lookups {
  Queries<T> view = {};
  std::optional<Tensor> order;

  Lookups(const Tensor& y, const Batch& batch) {
    if (batch.has_value()) order = at::argsort(*batch, /*stable=*/true);
    view = {y.const_data_ptr<T>(), pointer(order), pointer(batch), y.size(0)};
  }
};

Tensor empty_edges(const Tensor& x, int64_t count) {
  return at::empty({2, count}, x.options().dtype(at::kLong));
}

// Edges from the inclusive sums of their counts: the one time that the processor waits, for the size of the result.
template <typename Write>
Tensor edges_of_counts(const Tensor& x, const Tensor& counts, const Write& write) {
  const Tensor ends = counts.cumsum(0);
  const int64_t total = ends[-1].item<int64_t>();
  Tensor edges = empty_edges(x, total);
  int64_t* rows = edges.mutable_data_ptr<int64_t>();
  if (total > 0) write(ends.const_data_ptr<int64_t>(), rows, rows + total);
  return edges;
}

Tensor radius_on_cuda(const Tensor& x, const Tensor& y, double r, std::optional<int64_t> max_num_neighbors,
                      const Batch& batch_x, const Batch& batch_y) {
  const int64_t kept = std::min(max_num_neighbors.value_or(x.size(0)), x.size(0));
  if (x.size(0) == 0 || y.size(0) == 0 || kept <= 0 || !(r >= 0)) return empty_edges(x, 0);
  const Launching on(x);
  return AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "radius", [&] {
    const Tree<scalar_t> tree(x, ids_of(batch_x), on.stream);
    const std::optional<Tensor> samples = ids_of(batch_y);
    const Lookups<scalar_t> lookups(y, samples);
    const auto limit = static_cast<scalar_t>(r);
    const Tensor counts = at::empty({y.size(0)}, x.options().dtype(at::kLong));
    C10_CUDA_CHECK(radius_counts(tree.view, lookups.view, limit, kept, counts.mutable_data_ptr<int64_t>(), on.stream));
    return edges_of_counts(x, counts, [&](const int64_t* ends, int64_t* rows, int64_t* columns) {
      C10_CUDA_CHECK(radius_edges(tree.view, lookups.view, limit, kept, ends, rows, columns, on.stream));
    });
  });
}

Tensor knn_on_cuda(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x, const Batch& batch_y) {
  const int64_t kept = std::min(k, x.size(0));
  if (y.size(0) == 0 || kept <= 0) return empty_edges(x, 0);
  const Launching on(x);
  return AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "knn", [&] {
    const Tree<scalar_t> tree(x, ids_of(batch_x), on.stream);
    const std::optional<Tensor> samples = ids_of(batch_y);
    const Lookups<scalar_t> lookups(y, samples);
    const auto write = [&](const int64_t* ends, int64_t* rows, int64_t* columns) {
      C10_CUDA_CHECK(knn_edges(tree.view, lookups.view, kept, ends, rows, columns, on.stream));
    };
    if (!batch_x.has_value() && !batch_y.has_value()) {
      Tensor edges = empty_edges(x, y.size(0) * kept);
      int64_t* rows = edges.mutable_data_ptr<int64_t>();
      write(nullptr, rows, rows + y.size(0) * kept);
      return edges;
    }
    const Tensor counts = at::empty({y.size(0)}, x.options().dtype(at::kLong));
    C10_CUDA_CHECK(knn_counts(tree.view, lookups.view, kept, counts.mutable_data_ptr<int64_t>(), on.stream));
    return edges_of_counts(x, counts, write);
  });
}

// Queries stay as they stand; `search` fills index (M, places) and whether each place is one.
template <typename Search>
std::tuple<Tensor, Tensor> table(const Tensor& x, const Tensor& y, const Batch& batch_x, const Batch& batch_y,
                                 int64_t places, const Search& search) {
  Tensor index = at::empty({y.size(0), places}, x.options().dtype(at::kLong));
  Tensor valid = at::empty({y.size(0), places}, x.options().dtype(at::kBool));
  if (index.numel() == 0) return {index, valid};
  const Launching on(x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "neighbor_table", [&] {
    const Tree<scalar_t> tree(x, ids_of(batch_x), on.stream);
    const std::optional<Tensor> samples = ids_of(batch_y);
    const Queries<scalar_t> queries = {y.const_data_ptr<scalar_t>(), nullptr, pointer(samples), y.size(0)};
    C10_CUDA_CHECK(
        search(tree.view, queries, index.mutable_data_ptr<int64_t>(), valid.mutable_data_ptr<bool>(), on.stream));
  });
  return {index, valid};
}

std::tuple<Tensor, Tensor> radius_table_on_cuda(const Tensor& x, const Tensor& y, double r, int64_t max_num_neighbors,
                                                const Batch& batch_x, const Batch& batch_y) {
  const int64_t places = std::min(max_num_neighbors, x.size(0));
  return table(x, y, batch_x, batch_y, places,
               [&](const auto& tree, const auto& queries, int64_t* index, bool* valid, cudaStream_t stream) {
                 using T = std::decay_t<decltype(*tree.points)>;
                 return radius_table(tree, queries, static_cast<T>(r), places, index, valid, stream);
               });
}

std::tuple<Tensor, Tensor> knn_table_on_cuda(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x,
                                             const Batch& batch_y) {
  const int64_t places = std::min(k, x.size(0));
  return table(x, y, batch_x, batch_y, places,
               [&](const auto& tree, const auto& queries, int64_t* index, bool* valid, cudaStream_t stream) {
                 return knn_table(tree, queries, places, index, valid, stream);
               });
}

}  // namespace

NOETHER_CUDA_KERNELS(library) {
  library.impl("radius_edges", TORCH_FN(radius_on_cuda));
  library.impl("knn_edges", TORCH_FN(knn_on_cuda));
  library.impl("radius_table_places", TORCH_FN(radius_table_on_cuda));
  library.impl("knn_table_places", TORCH_FN(knn_table_on_cuda));
}

}  // namespace noether::cuda
