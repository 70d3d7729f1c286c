#include "ops/neighbors/neighbors.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "ops/registration.h"

// Products and sums must round as separate operations, or distances at a boundary would differ from torch.cdist.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include "ops/neighbors/grid.h"
#include "ops/neighbors/kd_tree.h"

namespace noether {
namespace {

void check_points(const char* name, const Tensor& x, const Tensor& y, const Batch& batch_x, const Batch& batch_y) {
  TORCH_CHECK(x.is_floating_point(), name, ": x must be floating point, got ", x.scalar_type());
  TORCH_CHECK(x.dim() == 2 && y.dim() == 2 && x.size(1) == y.size(1), name,
              ": x and y must have shapes (N, P) and (M, P), got ", x.sizes(), " and ", y.sizes());
  TORCH_CHECK(x.device() == y.device(), name, ": x and y must be on one device, got ", x.device(), " and ", y.device());
  for (const auto& [batch, points, label] :
       {std::tuple(&batch_x, &x, "batch_x"), std::tuple(&batch_y, &y, "batch_y")}) {
    TORCH_CHECK(!batch->has_value() ||
                    ((*batch)->dim() == 1 && (*batch)->size(0) == points->size(0) &&
                     (*batch)->device() == points->device() && at::isIntegralType((*batch)->scalar_type(), false)),
                name, ": ", label, " must hold one integer for each of the ", points->size(0),
                " points, on their device");
  }
}

Tensor no_edges(const Tensor& x) {
  return at::empty({2, 0}, x.options().dtype(at::kLong));
}

// ---- CPU entry points

// Calls `body(type value, number of coordinates)` with the coordinates as a compile-time constant where they are few.
template <typename Body>
Tensor dispatch(const Tensor& x, const Body& body) {
  Tensor result;
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "neighbors", [&] {
    switch (x.size(1)) {
      case 1:
        result = body(scalar_t{}, std::integral_constant<int, 1>{});
        break;
      case 2:
        result = body(scalar_t{}, std::integral_constant<int, 2>{});
        break;
      case 3:
        result = body(scalar_t{}, std::integral_constant<int, 3>{});
        break;
      default:
        result = body(scalar_t{}, std::integral_constant<int, 0>{});
    }
  });
  return result;
}

// Half types are searched in float32, which holds them exactly.
Tensor for_search(const Tensor& points, at::ScalarType dtype) {
  const bool half = dtype == at::kHalf || dtype == at::kBFloat16;
  return points.detach().to(half ? at::kFloat : dtype).contiguous();
}

Tensor radius_cpu(const Tensor& x, const Tensor& y, double r, std::optional<int64_t> max_num_neighbors,
                  const Batch& batch_x, const Batch& batch_y) {
  const int64_t kept = max_num_neighbors.value_or(kUnlimited);
  if (x.size(0) == 0 || y.size(0) == 0 || kept == 0 || !(r >= 0)) return no_edges(x);
  const Tensor xs = for_search(x, x.scalar_type()), ys = for_search(y, x.scalar_type());
  return dispatch(xs, [&](auto value, auto coordinates) {
    using T = decltype(value);
    return for_each_sample<T>(
        xs, ys, batch_x, batch_y, [&](const std::vector<T>& px, int64_t nx, const std::vector<T>& py, int64_t ny) {
          return radius_of_sample<T, decltype(coordinates)::value>(px, nx, py, ny, xs.size(1), r, kept);
        });
  });
}

Tensor knn_cpu(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x, const Batch& batch_y) {
  if (x.size(0) == 0 || y.size(0) == 0 || k == 0) return no_edges(x);
  const Tensor xs = for_search(x, x.scalar_type()), ys = for_search(y, x.scalar_type());
  return dispatch(xs, [&](auto value, auto coordinates) {
    using T = decltype(value);
    return for_each_sample<T>(xs, ys, batch_x, batch_y,
                              [&](const std::vector<T>& px, int64_t nx, const std::vector<T>& py, int64_t ny) {
                                return knn_of_sample<T, decltype(coordinates)::value>(px, nx, py, ny, xs.size(1), k);
                              });
  });
}

// ---- other devices: blocks of the distance matrix

constexpr int64_t kBlockEntries = int64_t{1} << 26;

// Calls `search(x, y) -> (2, E)` for each sample of y and translates the indices back.
template <typename Search>
Tensor by_sample(const Tensor& x, const Tensor& y, const Batch& batch_x, const Batch& batch_y, const Search& search) {
  if (!batch_x.has_value() && !batch_y.has_value()) return search(x, y);
  const auto ids = x.options().dtype(at::kLong);
  const Tensor bx = batch_x.has_value() ? *batch_x : at::zeros({x.size(0)}, ids);
  const Tensor by = batch_y.has_value() ? *batch_y : at::zeros({y.size(0)}, ids);
  const Tensor samples = std::get<0>(at::_unique2(by)).cpu().to(at::kLong);
  std::vector<Tensor> parts = {no_edges(x)};
  for (int64_t s = 0; s < samples.size(0); ++s) {
    const Tensor x_index = at::nonzero(bx == samples[s].item<int64_t>()).squeeze(1);
    const Tensor y_index = at::nonzero(by == samples[s].item<int64_t>()).squeeze(1);
    const Tensor edges = search(x.index_select(0, x_index), y.index_select(0, y_index));
    parts.push_back(at::stack({y_index.index_select(0, edges[0]), x_index.index_select(0, edges[1])}));
  }
  return at::cat(parts, 1);
}

// Calls `select(distances, first row) -> (2, E)` for each block of rows of the distance matrix of y to x.
template <typename Select>
Tensor by_block(const Tensor& x, const Tensor& y, const Select& select) {
  constexpr int64_t kWithoutMatrixProduct = 2;  // torch.cdist's "donot_use_mm_for_euclid_dist"
  const int64_t rows = std::max<int64_t>(1, kBlockEntries / std::max<int64_t>(1, x.size(0)));
  std::vector<Tensor> parts = {no_edges(x)};
  for (int64_t first = 0; first < y.size(0); first += rows) {
    const Tensor block = y.slice(0, first, std::min(first + rows, y.size(0)));
    parts.push_back(select(at::cdist(block, x, 2.0, kWithoutMatrixProduct), first));
  }
  return at::cat(parts, 1);
}

Tensor radius_any(const Tensor& x, const Tensor& y, double r, std::optional<int64_t> max_num_neighbors,
                  const Batch& batch_x, const Batch& batch_y) {
  return by_sample(x, y, batch_x, batch_y, [&](const Tensor& px, const Tensor& py) {
    return by_block(px, py, [&](const Tensor& distances, int64_t first) {
      Tensor within = distances <= r;
      if (max_num_neighbors.has_value()) within = within & (within.cumsum(1) <= *max_num_neighbors);
      const Tensor pairs = at::nonzero(within).t();
      return at::stack({pairs[0] + first, pairs[1]});
    });
  });
}

// The columns of each row, nearest first: the lower index first where distances are equal, and what cannot be compared
// as far away as can be.
Tensor by_distance(const Tensor& distances) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  return std::get<1>(at::sort(distances.nan_to_num(kFar, kFar), /*stable=*/true, /*dim=*/1, /*descending=*/false));
}

Tensor knn_any(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x, const Batch& batch_y) {
  return by_sample(x, y, batch_x, batch_y, [&](const Tensor& px, const Tensor& py) {
    const int64_t kept = std::min(k, px.size(0));
    return by_block(px, py, [&](const Tensor& distances, int64_t first) {
      const Tensor nearest = by_distance(distances).slice(1, 0, kept);
      const Tensor queries = at::arange(first, first + distances.size(0), nearest.options()).repeat_interleave(kept);
      return at::stack({queries, nearest.reshape({-1})});
    });
  });
}

// ---- tables: as many places for each query as it may have neighbours

// Calls `select(distances, whether both are of one sample) -> (index, valid)` for blocks of queries.
template <typename Select>
std::tuple<Tensor, Tensor> table_by_block(const Tensor& x, const Tensor& y, const Batch& batch_x, const Batch& batch_y,
                                          const Select& select) {
  constexpr int64_t kWithoutMatrixProduct = 2;
  const int64_t rows = std::max<int64_t>(1, kBlockEntries / std::max<int64_t>(1, x.size(0)));
  const auto ids = x.options().dtype(at::kLong);
  std::optional<Tensor> same;
  std::vector<Tensor> index, valid;
  for (int64_t first = 0; first == 0 || first < y.size(0); first += rows) {
    const int64_t end = std::min(first + rows, y.size(0));
    if (batch_x.has_value() || batch_y.has_value()) {
      const Tensor bx = batch_x.has_value() ? *batch_x : at::zeros({x.size(0)}, ids);
      const Tensor by = batch_y.has_value() ? *batch_y : at::zeros({y.size(0)}, ids);
      same = by.slice(0, first, end).unsqueeze(1) == bx.unsqueeze(0);  // (m, N)
    }
    const auto [at_index, at_valid] = select(at::cdist(y.slice(0, first, end), x, 2.0, kWithoutMatrixProduct), same);
    index.push_back(at_index);
    valid.push_back(at_valid);
  }
  return {at::cat(index), at::cat(valid)};
}

std::tuple<Tensor, Tensor> radius_table_any(const Tensor& x, const Tensor& y, double r, int64_t max_num_neighbors,
                                            const Batch& batch_x, const Batch& batch_y) {
  const int64_t count = x.size(0), places = std::min(max_num_neighbors, count);
  const Tensor order = at::arange(count, x.options().dtype(at::kLong));
  return table_by_block(x, y, batch_x, batch_y, [&](const Tensor& distances, const Batch& same) {
    const Tensor within = same.has_value() ? (distances <= r) & *same : distances <= r;
    // the lowest indices: all others are `count`
    const Tensor lowest = std::get<0>(at::where(within, order, count).topk(places, -1, /*largest=*/false));
    const Tensor valid = lowest < count;
    return std::pair(at::where(valid, lowest, 0), valid);
  });
}

std::tuple<Tensor, Tensor> knn_table_any(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x,
                                         const Batch& batch_y) {
  const int64_t places = std::min(k, x.size(0));
  return table_by_block(x, y, batch_x, batch_y, [&](const Tensor& distances, const Batch& same) {
    Tensor order = by_distance(distances);
    if (same.has_value()) {
      const Tensor others = same->logical_not().to(at::kByte).gather(-1, order);
      order = order.gather(-1, std::get<1>(at::sort(others, /*stable=*/true, /*dim=*/-1, /*descending=*/false)));
    }
    const Tensor index = order.slice(-1, 0, places);
    const Tensor valid = same.has_value() ? same->gather(-1, index) : at::ones_like(index, at::kBool);
    return std::pair(at::where(valid, index, 0), valid);
  });
}

// The searches of other devices, by the names under which a device has its own; points are float32 or float64 and
// contiguous.
constexpr char kRadiusEdges[] =
    "radius_edges(Tensor x, Tensor y, float r, int? max_num_neighbors, Tensor? batch_x, Tensor? batch_y) -> Tensor";
constexpr char kKnnEdges[] = "knn_edges(Tensor x, Tensor y, int k, Tensor? batch_x, Tensor? batch_y) -> Tensor";
constexpr char kRadiusTable[] =
    "radius_table_places(Tensor x, Tensor y, float r, int max_num_neighbors, Tensor? batch_x, Tensor? batch_y) -> "
    "(Tensor, Tensor)";
constexpr char kKnnTable[] =
    "knn_table_places(Tensor x, Tensor y, int k, Tensor? batch_x, Tensor? batch_y) -> (Tensor, Tensor)";

std::tuple<Tensor, Tensor> radius_table(const Tensor& x, const Tensor& y, double r, int64_t max_num_neighbors,
                                        const Batch& batch_x, const Batch& batch_y) {
  check_points("radius_table", x, y, batch_x, batch_y);
  TORCH_CHECK(max_num_neighbors >= 0, "radius_table: max_num_neighbors must not be negative, got ", max_num_neighbors);
  static const auto places = find_operator<decltype(radius_table_any)>("noether::radius_table_places");
  return places.call(for_search(x, x.scalar_type()), for_search(y, x.scalar_type()), r, max_num_neighbors, batch_x,
                     batch_y);
}

std::tuple<Tensor, Tensor> knn_table(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x,
                                     const Batch& batch_y) {
  check_points("knn_table", x, y, batch_x, batch_y);
  TORCH_CHECK(k >= 0, "knn_table: k must not be negative, got ", k);
  static const auto places = find_operator<decltype(knn_table_any)>("noether::knn_table_places");
  return places.call(for_search(x, x.scalar_type()), for_search(y, x.scalar_type()), k, batch_x, batch_y);
}

}  // namespace

Tensor radius(const Tensor& x, const Tensor& y, double r, std::optional<int64_t> max_num_neighbors,
              const Batch& batch_x, const Batch& batch_y) {
  check_points("radius", x, y, batch_x, batch_y);
  TORCH_CHECK(max_num_neighbors.value_or(0) >= 0, "radius: max_num_neighbors must not be negative, got ",
              *max_num_neighbors);
  if (x.is_cpu()) return radius_cpu(x, y, r, max_num_neighbors, batch_x, batch_y);
  static const auto edges = find_operator<decltype(radius_any)>("noether::radius_edges");
  return edges.call(for_search(x, x.scalar_type()), for_search(y, x.scalar_type()), r, max_num_neighbors, batch_x,
                    batch_y);
}

Tensor knn(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x, const Batch& batch_y) {
  check_points("knn", x, y, batch_x, batch_y);
  TORCH_CHECK(k >= 0, "knn: k must not be negative, got ", k);
  if (x.is_cpu()) return knn_cpu(x, y, k, batch_x, batch_y);
  static const auto edges = find_operator<decltype(knn_any)>("noether::knn_edges");
  return edges.call(for_search(x, x.scalar_type()), for_search(y, x.scalar_type()), k, batch_x, batch_y);
}

NOETHER_LIBRARY(library) {
  define_plain(library,
               "radius(Tensor x, Tensor y, float r, int? max_num_neighbors=None, Tensor? batch_x=None, "
               "Tensor? batch_y=None) -> Tensor",
               TORCH_FN(radius));
  define_plain(library, "knn(Tensor x, Tensor y, int k, Tensor? batch_x=None, Tensor? batch_y=None) -> Tensor",
               TORCH_FN(knn));
  define_plain(library, kRadiusEdges, TORCH_FN(radius_any));
  define_plain(library, kKnnEdges, TORCH_FN(knn_any));
  define_plain(library,
               "radius_table(Tensor x, Tensor y, float r, int max_num_neighbors, Tensor? batch_x=None, "
               "Tensor? batch_y=None) -> (Tensor, Tensor)",
               TORCH_FN(radius_table));
  define_plain(library,
               "knn_table(Tensor x, Tensor y, int k, Tensor? batch_x=None, Tensor? batch_y=None) -> (Tensor, Tensor)",
               TORCH_FN(knn_table));
  define_plain(library, kRadiusTable, TORCH_FN(radius_table_any));
  define_plain(library, kKnnTable, TORCH_FN(knn_table_any));
}

}  // namespace noether
