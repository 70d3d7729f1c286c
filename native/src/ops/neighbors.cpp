#include "ops/neighbors.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

// Products and sums must round as separate operations, or distances at a boundary would differ from torch.cdist.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

namespace noether {
namespace {

using at::Tensor;
using Batch = std::optional<Tensor>;

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();
constexpr int64_t kQueryBlock = 256;  // queries that one task answers

// ---- what all variants share

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

// ---- points sorted by sample

// The points of one side, grouped by sample: `order` lists point indices, samples ascending, indices ascending inside a
// sample.
struct Samples {
  std::vector<int64_t> order;
  std::vector<int64_t> ids;     // ascending
  std::vector<int64_t> starts;  // of each sample in `order`, one more than ids
};

Samples group_by_sample(const Batch& batch, int64_t count) {
  Samples samples;
  samples.order.resize(count);
  std::iota(samples.order.begin(), samples.order.end(), 0);
  samples.starts = {0};
  if (count == 0) return samples;
  if (!batch.has_value()) {
    samples.ids = {0};
    samples.starts.push_back(count);
    return samples;
  }
  const Tensor ids = batch->to(at::kLong).contiguous();
  const int64_t* id = ids.const_data_ptr<int64_t>();
  if (!std::is_sorted(id, id + count)) {
    std::stable_sort(samples.order.begin(), samples.order.end(), [id](int64_t a, int64_t b) { return id[a] < id[b]; });
  }
  for (int64_t i = 0; i < count; ++i) {
    const int64_t current = id[samples.order[i]];
    if (samples.ids.empty() || samples.ids.back() != current) {
      if (i > 0) samples.starts.push_back(i);
      samples.ids.push_back(current);
    }
  }
  samples.starts.push_back(count);
  return samples;
}

// ---- squared distance with P known at compile time where it is small

template <typename T, int P>
inline T squared_distance(const T* a, const T* b, int64_t dims) {
  const int64_t n = P > 0 ? P : dims;
  T sum = 0;
  for (int64_t d = 0; d < n; ++d) {
    const T difference = a[d] - b[d];
    sum += difference * difference;
  }
  return sum;
}

// ---- results: each task collects the neighbours of its queries; then all are joined in the order of the queries

struct Found {
  std::vector<int32_t> sources;  // positions in the sample, query by query
  std::vector<int64_t> counts;   // per query of the block
};

// Calls `answer(query, sources)` for every query of a block; it appends the query's neighbours.
template <typename Answer>
void answer_block(Found& found, int64_t begin, int64_t end, const Answer& answer) {
  found.counts.reserve(end - begin);
  for (int64_t query = begin; query < end; ++query) {
    const size_t before = found.sources.size();
    answer(query, found.sources);
    found.counts.push_back(static_cast<int64_t>(found.sources.size() - before));
  }
}

// Runs all queries of a sample. `visit` is the order in which they are worked on (near ones together, for the caches).
struct SampleEdges {
  std::vector<Found> blocks;
  std::vector<int32_t> visit;
  int64_t total = 0;
};

template <typename MakeAnswer>
SampleEdges run_queries(std::vector<int32_t> visit, const MakeAnswer& make_answer) {
  SampleEdges edges;
  edges.visit = std::move(visit);
  const int64_t count = static_cast<int64_t>(edges.visit.size());
  edges.blocks.resize((count + kQueryBlock - 1) / kQueryBlock);
  at::parallel_for(0, static_cast<int64_t>(edges.blocks.size()), 1, [&](int64_t first, int64_t last) {
    auto answer = make_answer();
    for (int64_t block = first; block < last; ++block) {
      const int64_t begin = block * kQueryBlock;
      answer_block(edges.blocks[block], begin, std::min(begin + kQueryBlock, count),
                   [&](int64_t i, std::vector<int32_t>& sources) { answer(edges.visit[i], sources); });
    }
  });
  for (const Found& found : edges.blocks) edges.total += static_cast<int64_t>(found.sources.size());
  return edges;
}

// Writes a sample's edges to both rows of the result, queries ascending.
void write_edges(const SampleEdges& edges, const int64_t* query_index, const int64_t* source_index, int64_t* rows,
                 int64_t* columns) {
  const int64_t count = static_cast<int64_t>(edges.visit.size());
  std::vector<int64_t> starts(count + 1, 0);
  for (int64_t i = 0; i < count; ++i)
    starts[edges.visit[i] + 1] = edges.blocks[i / kQueryBlock].counts[i % kQueryBlock];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  at::parallel_for(0, static_cast<int64_t>(edges.blocks.size()), 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      const Found& found = edges.blocks[block];
      const int32_t* source = found.sources.data();
      for (size_t j = 0; j < found.counts.size(); ++j) {
        const int32_t query = edges.visit[block * kQueryBlock + static_cast<int64_t>(j)];
        int64_t at = starts[query];
        for (int64_t n = 0; n < found.counts[j]; ++n, ++at, ++source) {
          rows[at] = query_index[query];
          columns[at] = source_index[*source];
        }
      }
    }
  });
}

// Applies `search(x points, y points) -> SampleEdges` to every sample that occurs on both sides.
template <typename T, typename Search>
Tensor for_each_sample(const Tensor& x, const Tensor& y, const Batch& batch_x, const Batch& batch_y,
                       const Search& search) {
  const Samples xs = group_by_sample(batch_x, x.size(0));
  const Samples ys = group_by_sample(batch_y, y.size(0));
  const int64_t dims = x.size(1);
  const T* x_data = x.const_data_ptr<T>();
  const T* y_data = y.const_data_ptr<T>();
  const auto gather = [dims](const T* data, const int64_t* index, int64_t count) {
    std::vector<T> points(count * dims);
    for (int64_t i = 0; i < count; ++i) std::copy_n(data + index[i] * dims, dims, points.data() + i * dims);
    return points;
  };

  struct Part {
    SampleEdges edges;
    const int64_t* query_index;
    const int64_t* source_index;
  };
  std::vector<Part> parts;
  int64_t total = 0;
  for (size_t s = 0; s < ys.ids.size(); ++s) {
    const auto match = std::lower_bound(xs.ids.begin(), xs.ids.end(), ys.ids[s]);
    if (match == xs.ids.end() || *match != ys.ids[s]) continue;
    const int64_t* x_index = xs.order.data() + xs.starts[match - xs.ids.begin()];
    const int64_t* y_index = ys.order.data() + ys.starts[s];
    const int64_t x_count = xs.starts[match - xs.ids.begin() + 1] - xs.starts[match - xs.ids.begin()];
    const int64_t y_count = ys.starts[s + 1] - ys.starts[s];
    TORCH_CHECK(x_count < std::numeric_limits<int32_t>::max() && y_count < std::numeric_limits<int32_t>::max(),
                "at most 2^31 - 1 points a sample are supported, got ", std::max(x_count, y_count));
    parts.push_back({search(gather(x_data, x_index, x_count), x_count, gather(y_data, y_index, y_count), y_count),
                     y_index, x_index});
    total += parts.back().edges.total;
  }
  Tensor result = at::empty({2, total}, x.options().dtype(at::kLong));
  int64_t* rows = result.mutable_data_ptr<int64_t>();
  int64_t offset = 0;
  for (const Part& part : parts) {
    write_edges(part.edges, part.query_index, part.source_index, rows + offset, rows + total + offset);
    offset += part.edges.total;
  }
  return result;
}

// ---- radius: a grid of cells that are a little larger than r; neighbours lie in the 3^P cells around a query

// Only the first three coordinates make cells; more are compared in full all the same.
constexpr int64_t kGridDims = 3;

template <typename T>
struct CellGeometry {
  int64_t axes = 0;
  double origin[kGridDims] = {};
  double inverse_size[kGridDims] = {};
  int64_t cells[kGridDims] = {1, 1, 1};

  // Cells so large that no pair within r is more than one cell apart, and not many more cells than points.
  CellGeometry(const std::vector<T>& points, int64_t count, int64_t dims, double r) : axes(std::min(dims, kGridDims)) {
    double extent[kGridDims] = {};
    for (int64_t a = 0; a < axes; ++a) {
      double low = std::numeric_limits<double>::infinity(), high = -low;
      for (int64_t i = 0; i < count; ++i) {
        const double value = static_cast<double>(points[i * dims + a]);
        if (!std::isfinite(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
      }
      origin[a] = std::isfinite(low) ? low : 0;
      extent[a] = std::isfinite(low) ? high - low : 0;
    }
    double size = std::max(r * 1.001, 1e-30);  // the margin covers the rounding of distances and cell numbers
    const double limit = 2.0 * static_cast<double>(count) + 64;
    while (true) {
      double total = 1;
      for (int64_t a = 0; a < axes; ++a) total *= std::floor(extent[a] / size) + 1;
      if (total <= limit) break;
      size *= std::max(1.1, std::pow(total / limit, 1.0 / static_cast<double>(axes)));
    }
    for (int64_t a = 0; a < axes; ++a) {
      inverse_size[a] = 1 / size;
      cells[a] = static_cast<int64_t>(std::floor(extent[a] / size)) + 1;
    }
  }

  int64_t total() const { return cells[0] * cells[1] * cells[2]; }

  // Cell number along an axis; points outside of the box, and those that are not finite, go to the border or beyond it
  // by one.
  int64_t along(int64_t axis, double value) const {
    const double cell = std::floor((value - origin[axis]) * inverse_size[axis]);
    if (!(cell >= 0)) return cell >= -1 || std::isnan(cell) ? -1 : -2;
    return cell < static_cast<double>(cells[axis])
               ? static_cast<int64_t>(cell)
               : cells[axis] + (cell < static_cast<double>(cells[axis]) + 1 ? 0 : 1);
  }
};

// Points [first, last) of a sample, sorted by cell; inside a cell by index.
template <typename T>
struct Grid {
  std::vector<int32_t> starts;   // of each cell, one more than cells
  std::vector<int32_t> indices;  // positions in the sample
  std::vector<T> points;         // in the order of `indices`

  Grid(const CellGeometry<T>& geometry, const std::vector<int32_t>& cell, const std::vector<T>& all, int64_t first,
       int64_t last, int64_t dims)
      : starts(geometry.total() + 1, 0), indices(last - first), points((last - first) * dims) {
    for (int64_t i = first; i < last; ++i) ++starts[cell[i] + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    std::vector<int32_t> next(starts.begin(), starts.end() - 1);
    for (int64_t i = first; i < last; ++i) {
      const int32_t at = next[cell[i]]++;
      indices[at] = static_cast<int32_t>(i);
      std::copy_n(all.data() + i * dims, dims, points.data() + static_cast<int64_t>(at) * dims);
    }
  }
};

template <typename T>
int32_t cell_of(const CellGeometry<T>& geometry, const T* point) {
  int64_t cell = 0;
  for (int64_t a = 0; a < geometry.axes; ++a) {
    const int64_t along = geometry.along(a, static_cast<double>(point[a]));
    cell = cell * geometry.cells[a] + std::clamp<int64_t>(along, 0, geometry.cells[a] - 1);
  }
  return static_cast<int32_t>(cell);
}

// Neighbours of one query among the points of one grid, unsorted, appended.
template <typename T, int P>
void grid_neighbours(const CellGeometry<T>& geometry, const Grid<T>& grid, const T* query, int64_t dims, T r,
                     std::vector<int32_t>& found) {
  int64_t low[kGridDims] = {0, 0, 0}, high[kGridDims] = {0, 0, 0};
  for (int64_t a = 0; a < geometry.axes; ++a) {
    const int64_t cell = geometry.along(a, static_cast<double>(query[a]));
    low[a] = std::max<int64_t>(cell - 1, 0);
    high[a] = std::min(cell + 1, geometry.cells[a] - 1);
    if (low[a] > high[a]) return;
  }
  // Cells that follow each other along the last axis are one run of points.
  const int64_t last = geometry.axes - 1;
  const int64_t run_low = geometry.axes > 0 ? low[last] : 0, run_high = geometry.axes > 0 ? high[last] : 0;
  if (last >= 0) low[last] = high[last] = 0;
  for (int64_t i = low[0]; i <= high[0]; ++i) {
    for (int64_t j = low[1]; j <= high[1]; ++j) {
      const int64_t row = geometry.axes == 3   ? (i * geometry.cells[1] + j) * geometry.cells[2]
                          : geometry.axes == 2 ? i * geometry.cells[1]
                                               : 0;
      const int32_t begin = grid.starts[row + run_low], end = grid.starts[row + run_high + 1];
      const T* point = grid.points.data() + static_cast<int64_t>(begin) * dims;
      for (int32_t n = begin; n < end; ++n, point += dims) {
        // torch.cdist takes the root before it compares; the square is only a quick way to rule out.
        if (std::sqrt(squared_distance<T, P>(query, point, dims)) <= r) found.push_back(grid.indices[n]);
      }
    }
  }
}

// How many chunks of ascending index to search one after the other: where far more points lie within r than are kept, a
// query is often done after the first chunks. One chunk where few are dropped.
template <typename T, int P>
int64_t chunk_count(const CellGeometry<T>& geometry, const std::vector<int32_t>& cell, const std::vector<T>& x,
                    int64_t x_count, const std::vector<T>& y, int64_t y_count, int64_t dims, T r, int64_t kept) {
  if (kept == kUnlimited || x_count < 4096) return 1;
  constexpr int64_t kSamples = 32;
  const Grid<T> grid(geometry, cell, x, 0, x_count, dims);
  std::vector<int32_t> found;
  for (int64_t s = 0; s < kSamples; ++s) {
    grid_neighbours<T, P>(geometry, grid, y.data() + (s * y_count / kSamples) * dims, dims, r, found);
  }
  const double mean = static_cast<double>(found.size()) / kSamples;
  return std::clamp<int64_t>(static_cast<int64_t>(mean / (2 * static_cast<double>(kept))), 1, 64);
}

template <typename T, int P>
SampleEdges radius_of_sample(const std::vector<T>& x, int64_t x_count, const std::vector<T>& y, int64_t y_count,
                             int64_t dims, double r, int64_t kept) {
  const CellGeometry<T> geometry(x, x_count, dims, r);
  std::vector<int32_t> cell(x_count);
  for (int64_t i = 0; i < x_count; ++i) cell[i] = cell_of(geometry, x.data() + i * dims);

  const T limit = static_cast<T>(r);
  const int64_t chunks = chunk_count<T, P>(geometry, cell, x, x_count, y, y_count, dims, limit, kept);
  std::vector<Grid<T>> grids;
  for (int64_t c = 0; c < chunks; ++c)
    grids.emplace_back(geometry, cell, x, c * x_count / chunks, (c + 1) * x_count / chunks, dims);

  // Queries in the order of their cells.
  std::vector<int32_t> query_cell(y_count), visit(y_count);
  for (int64_t i = 0; i < y_count; ++i) query_cell[i] = cell_of(geometry, y.data() + i * dims);
  std::vector<int32_t> next(geometry.total() + 1, 0);
  for (const int32_t c : query_cell) ++next[c + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  for (int64_t i = 0; i < y_count; ++i) visit[next[query_cell[i]]++] = static_cast<int32_t>(i);

  return run_queries(std::move(visit), [&] {
    return [&, neighbours = std::vector<int32_t>()](int32_t query, std::vector<int32_t>& sources) mutable {
      int64_t room = kept;
      for (const Grid<T>& grid : grids) {
        neighbours.clear();
        grid_neighbours<T, P>(geometry, grid, y.data() + static_cast<int64_t>(query) * dims, dims, limit, neighbours);
        const auto end = neighbours.begin() + std::min<int64_t>(room, static_cast<int64_t>(neighbours.size()));
        if (end != neighbours.end()) std::nth_element(neighbours.begin(), end, neighbours.end());
        std::sort(neighbours.begin(), end);
        sources.insert(sources.end(), neighbours.begin(), end);
        room -= end - neighbours.begin();
        if (room == 0) break;
      }
    };
  });
}

// ---- knn: a k-d tree with small leaves, so that refined regions cost no more than coarse ones

template <typename T>
class KdTree {
 public:
  KdTree(const std::vector<T>& points, int64_t count, int64_t dims) : dims_(dims), order_(count) {
    std::iota(order_.begin(), order_.end(), 0);
    int64_t levels = 0;
    while ((count >> levels) > kLeaf) ++levels;
    leaves_ = int64_t{1} << levels;
    axis_.assign(leaves_, 0);
    split_.assign(leaves_, 0);
    begin_.assign(leaves_ + 1, static_cast<int32_t>(count));
    build(points, levels);
    points_.resize(points.size());
    at::parallel_for(0, count, 1 << 14, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        std::copy_n(points.data() + static_cast<int64_t>(order_[i]) * dims_, dims_, points_.data() + i * dims_);
      }
    });
  }

  struct Neighbour {
    T distance;
    int32_t index;
    bool operator<(const Neighbour& other) const {
      return distance < other.distance || (distance == other.distance && index < other.index);
    }
  };

  // The k nearest, unsorted on return when fewer are kept than found; `heap` holds the farthest in front.
  template <int P>
  void nearest(const T* query, int64_t k, std::vector<Neighbour>& heap) const {
    heap.clear();
    std::vector<T> offsets(dims_, 0);
    search<P>(query, k, 1, 0, offsets.data(), heap);
    std::sort_heap(heap.begin(), heap.end());
  }

  const std::vector<int32_t>& order() const { return order_; }

 private:
  static constexpr int64_t kLeaf = 12;

  // Sorting needs values that compare: NaN counts as the largest.
  static T ordered(T value) { return std::isnan(value) ? std::numeric_limits<T>::infinity() : value; }

  // Puts a nearer neighbour in the place of the farthest one, which stands in front.
  static void replace_farthest(std::vector<Neighbour>& heap, const Neighbour& nearer) {
    size_t at = 0;
    for (size_t child = 1; child < heap.size(); child = 2 * at + 1) {
      if (child + 1 < heap.size() && heap[child] < heap[child + 1]) ++child;
      if (!(nearer < heap[child])) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = nearer;
  }

  // A complete binary tree: node n has children 2n and 2n + 1; the nodes from `leaves_` on are leaves. The range of a
  // node's points follows from its place, as every split halves.
  void build(const std::vector<T>& points, int64_t levels) {
    std::vector<int32_t> bounds = {0, static_cast<int32_t>(order_.size())};
    for (int64_t level = 0; level < levels; ++level) {
      const int64_t nodes = int64_t{1} << level;
      std::vector<int32_t> halves(2 * nodes + 1);
      // Small clouds are sorted sooner than threads are woken.
      const int64_t grain = order_.size() < 65536 ? nodes : std::max<int64_t>(1, nodes / 64);
      at::parallel_for(0, nodes, grain, [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) {
          const int32_t begin = bounds[n], end = bounds[n + 1], middle = begin + (end - begin) / 2;
          const int32_t axis = widest_axis(points, begin, end);
          const auto key = [&](int32_t i) { return ordered(points[static_cast<int64_t>(i) * dims_ + axis]); };
          std::nth_element(order_.begin() + begin, order_.begin() + middle, order_.begin() + end,
                           [&](int32_t a, int32_t b) { return key(a) < key(b) || (key(a) == key(b) && a < b); });
          axis_[nodes + n] = axis;
          split_[nodes + n] = key(order_[middle]);
          halves[2 * n] = begin;
          halves[2 * n + 1] = middle;
        }
      });
      halves[2 * nodes] = bounds.back();
      bounds = std::move(halves);
    }
    begin_ = std::move(bounds);
  }

  int32_t widest_axis(const std::vector<T>& points, int32_t begin, int32_t end) const {
    int32_t widest = 0;
    T extent = -1;
    for (int64_t a = 0; a < dims_; ++a) {
      T low = std::numeric_limits<T>::infinity(), high = -low;
      for (int32_t i = begin; i < end; ++i) {
        const T value = points[static_cast<int64_t>(order_[i]) * dims_ + a];
        low = std::min(low, value);
        high = std::max(high, value);
      }
      if (high - low > extent) {
        extent = high - low;
        widest = static_cast<int32_t>(a);
      }
    }
    return widest;
  }

  // `offsets` are the distances from the query to the node's box along each axis, `squared` is the sum of their
  // squares.
  template <int P>
  void search(const T* query, int64_t k, int64_t node, T squared, T* offsets, std::vector<Neighbour>& heap) const {
    // The factor covers the rounding of distances.
    if (static_cast<int64_t>(heap.size()) == k &&
        squared * static_cast<T>(0.99999) > heap.front().distance * heap.front().distance)
      return;
    if (node >= leaves_) {
      const int32_t begin = begin_[node - leaves_], end = begin_[node - leaves_ + 1];
      const T* point = points_.data() + static_cast<int64_t>(begin) * dims_;
      for (int32_t i = begin; i < end; ++i, point += dims_) {
        const T squared_candidate = squared_distance<T, P>(query, point, dims_);
        const bool full = static_cast<int64_t>(heap.size()) == k;
        // Ruled out before the root is taken; the factor covers its rounding.
        if (full && squared_candidate * static_cast<T>(0.99999) > heap.front().distance * heap.front().distance)
          continue;
        const Neighbour candidate{ordered(std::sqrt(squared_candidate)), order_[i]};
        if (!full) {
          heap.push_back(candidate);
          std::push_heap(heap.begin(), heap.end());
        } else if (candidate < heap.front()) {
          replace_farthest(heap, candidate);
        }
      }
      return;
    }
    const T offset = query[axis_[node]] - split_[node];
    const int64_t near = offset < 0 ? 2 * node : 2 * node + 1;
    search<P>(query, k, near, squared, offsets, heap);
    T& along = offsets[axis_[node]];
    const T before = std::exchange(along, offset);
    search<P>(query, k, near ^ 1, squared - before * before + offset * offset, offsets, heap);
    along = before;
  }

  int64_t dims_;
  int64_t leaves_ = 1;
  std::vector<int32_t> order_;  // positions in the sample, leaf by leaf
  std::vector<int32_t> axis_;
  std::vector<T> split_;
  std::vector<int32_t> begin_;  // of each leaf in `order_`, one more than leaves
  std::vector<T> points_;       // in the order of `order_`
};

template <typename T, int P>
SampleEdges knn_of_sample(const std::vector<T>& x, int64_t x_count, const std::vector<T>& y, int64_t y_count,
                          int64_t dims, int64_t k) {
  const KdTree<T> tree(x, x_count, dims);
  // Queries leaf by leaf, so that near ones come together: of the same tree where the points look among themselves.
  std::vector<int32_t> visit = x == y ? tree.order() : KdTree<T>(y, y_count, dims).order();
  return run_queries(std::move(visit), [&] {
    return
        [&, heap = std::vector<typename KdTree<T>::Neighbour>()](int32_t query, std::vector<int32_t>& sources) mutable {
          tree.template nearest<P>(y.data() + static_cast<int64_t>(query) * dims, std::min(k, x_count), heap);
          for (const auto& neighbour : heap) sources.push_back(neighbour.index);
        };
  });
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
  check_points("radius", x, y, batch_x, batch_y);
  const int64_t kept = max_num_neighbors.value_or(kUnlimited);
  TORCH_CHECK(kept >= 0, "radius: max_num_neighbors must not be negative, got ", kept);
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
  check_points("knn", x, y, batch_x, batch_y);
  TORCH_CHECK(k >= 0, "knn: k must not be negative, got ", k);
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
  check_points("radius", x, y, batch_x, batch_y);
  const Tensor xs = for_search(x, x.scalar_type()), ys = for_search(y, x.scalar_type());
  return by_sample(xs, ys, batch_x, batch_y, [&](const Tensor& px, const Tensor& py) {
    return by_block(px, py, [&](const Tensor& distances, int64_t first) {
      Tensor within = distances <= r;
      if (max_num_neighbors.has_value()) within = within & (within.cumsum(1) <= *max_num_neighbors);
      const Tensor pairs = at::nonzero(within).t();
      return at::stack({pairs[0] + first, pairs[1]});
    });
  });
}

Tensor knn_any(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x, const Batch& batch_y) {
  check_points("knn", x, y, batch_x, batch_y);
  const Tensor xs = for_search(x, x.scalar_type()), ys = for_search(y, x.scalar_type());
  return by_sample(xs, ys, batch_x, batch_y, [&](const Tensor& px, const Tensor& py) {
    const int64_t kept = std::min(k, px.size(0));
    return by_block(px, py, [&](const Tensor& distances, int64_t first) {
      // A stable sort leaves the lower index first where distances are equal.
      const Tensor nearest =
          std::get<1>(at::sort(distances, /*stable=*/true, /*dim=*/1, /*descending=*/false)).slice(1, 0, kept);
      const Tensor queries = at::arange(first, first + distances.size(0), nearest.options()).repeat_interleave(kept);
      return at::stack({queries, nearest.reshape({-1})});
    });
  });
}

}  // namespace

Tensor radius(const Tensor& x, const Tensor& y, double r, std::optional<int64_t> max_num_neighbors,
              const Batch& batch_x, const Batch& batch_y) {
  return x.is_cpu() ? radius_cpu(x, y, r, max_num_neighbors, batch_x, batch_y)
                    : radius_any(x, y, r, max_num_neighbors, batch_x, batch_y);
}

Tensor knn(const Tensor& x, const Tensor& y, int64_t k, const Batch& batch_x, const Batch& batch_y) {
  return x.is_cpu() ? knn_cpu(x, y, k, batch_x, batch_y) : knn_any(x, y, k, batch_x, batch_y);
}

TORCH_LIBRARY_FRAGMENT(noether, library) {
  library.def(
      "radius(Tensor x, Tensor y, float r, int? max_num_neighbors=None, Tensor? batch_x=None, Tensor? batch_y=None) -> "
      "Tensor",
      torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, TORCH_FN(radius)));
  library.def("knn(Tensor x, Tensor y, int k, Tensor? batch_x=None, Tensor? batch_y=None) -> Tensor",
              torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, TORCH_FN(knn)));
}

}  // namespace noether
