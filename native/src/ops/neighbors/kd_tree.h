// Search for the k nearest: a k-d tree with small leaves, so that refined regions cost no more than coarse ones.
//
// Part of neighbors.cpp, which alone includes it: there products and sums round as separate operations.
#pragma once

#include <cmath>

#include "ops/neighbors/samples.h"

namespace noether {
namespace {

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

}  // namespace
}  // namespace noether
