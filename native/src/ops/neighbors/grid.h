// Search within a radius: a grid of cells that are a little larger than r; neighbours lie in the 3^P cells around a
// query.
//
// Part of neighbors.cpp, which alone includes it: there products and sums round as separate operations.
#pragma once

#include <cmath>

#include "ops/neighbors/samples.h"

namespace noether {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

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

}  // namespace
}  // namespace noether
