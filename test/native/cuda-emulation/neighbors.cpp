// The searches of cuda/neighbors.cu against plain loops over all pairs: edges have to be equal.
#include "cuda/neighbors.cu"

#include <numeric>
#include <random>

namespace {

using namespace noether::cuda;

using Edges = std::vector<std::pair<int64_t, int64_t>>;
using Ids = std::vector<int64_t>;

template <typename T>
struct Cloud {
  int64_t count;
  int dims;
  std::vector<T> points;
  Ids samples;  // empty: none given
};

template <typename T>
T distance(const Cloud<T>& y, int64_t j, const Cloud<T>& x, int64_t i) {
  T sum = 0;
  for (int d = 0; d < x.dims; ++d) {
    const T difference = y.points[j * x.dims + d] - x.points[i * x.dims + d];
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

Ids sorted_by(const Ids& keys) {
  Ids order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return keys[a] < keys[b]; });
  return order;
}

template <typename T, typename Choose>
Edges reference(const Cloud<T>& x, const Cloud<T>& y, const Choose& choose) {
  Edges edges;
  for (const int64_t j : sorted_by(y.samples.empty() ? Ids(y.count, 0) : y.samples)) {
    std::vector<std::pair<T, int64_t>> candidates;
    for (int64_t i = 0; i < x.count; ++i) {
      if ((x.samples.empty() ? 0 : x.samples[i]) != (y.samples.empty() ? 0 : y.samples[j])) continue;
      candidates.emplace_back(distance(y, j, x, i), i);
    }
    for (const int64_t i : choose(candidates)) edges.emplace_back(j, i);
  }
  return edges;
}

template <typename T>
struct Search {
  const Cloud<T>& x;
  const Cloud<T>& y;
  Ids order, order_y, sorted_samples;
  std::vector<T> points, boxes[kTreeLevels];
  std::vector<int32_t> index, lowest[kTreeLevels];
  PointTree<T> tree = {};
  Queries<T> queries = {};

  Search(const Cloud<T>& x_, const Cloud<T>& y_, bool sort) : x(x_), y(y_) {
    unsigned long long box[6] = {};
    Ids codes(x.count, 0);
    if (sort) {
      bounds(x.points.data(), x.count, x.dims, box, nullptr);
      sort_codes(x.points.data(), x.count, x.dims, box, codes.data(), nullptr);
    }
    order = sorted_by(codes);
    if (!x.samples.empty()) {
      Ids samples;
      for (const int64_t i : order) samples.push_back(x.samples[i]);
      Ids both;
      for (const int64_t i : sorted_by(samples)) both.push_back(order[i]);
      order = both;
      for (const int64_t i : order) sorted_samples.push_back(x.samples[i]);
    }
    tree.count = x.count;
    tree.dims = x.dims;
    for (int level = 0; level < kTreeLevels; ++level) {
      const int64_t nodes = ((level == 0 ? x.count : tree.nodes[level - 1]) + 31) / 32;
      tree.nodes[level] = nodes;
      boxes[level].resize(6 * nodes);
      lowest[level].resize(nodes);
      tree.boxes[level] = boxes[level].data();
      tree.lowest[level] = lowest[level].data();
    }
    points.resize(tree.nodes[0] * 32 * x.dims);
    index.resize(tree.nodes[0] * 32);
    tree.points = points.data();
    tree.index = index.data();
    tree.samples = x.samples.empty() ? nullptr : sorted_samples.data();
    build_tree(x.points.data(), sort || !x.samples.empty() ? order.data() : nullptr, tree, nullptr);
    if (!y.samples.empty()) order_y = sorted_by(y.samples);
    queries = {y.points.data(), y.samples.empty() ? nullptr : order_y.data(),
               y.samples.empty() ? nullptr : y.samples.data(), y.count};
  }

  template <typename Write>
  Edges edges(const Ids& counts, const Write& write) const {
    Ids ends(counts.size());
    std::partial_sum(counts.begin(), counts.end(), ends.begin());
    Ids rows(ends.back() + 1, -7), columns(ends.back() + 1, -7);
    write(ends.data(), rows.data(), columns.data());
    if (rows.back() != -7 || columns.back() != -7) emulation::fail("a write behind the result");
    Edges result;
    for (int64_t e = 0; e < ends.back(); ++e) result.emplace_back(rows[e], columns[e]);
    return result;
  }

  Edges radius(T r, int64_t kept) const {
    Ids counts(y.count, -1);
    radius_counts(tree, queries, r, kept, counts.data(), nullptr);
    return edges(counts, [&](auto* ends, auto* rows, auto* columns) {
      radius_edges(tree, queries, r, kept, ends, rows, columns, nullptr);
    });
  }

  // Edges of a table, sample after sample as a search gives them; what fills its rest is checked here.
  template <typename Write>
  Edges table(int64_t places, const Write& write) const {
    Ids index(y.count * places + 1, -7);
    std::unique_ptr<bool[]> valid(new bool[y.count * places + 1]());
    Queries<T> as_they_stand = queries;
    as_they_stand.order = nullptr;
    write(as_they_stand, index.data(), valid.get());
    if (index.back() != -7) emulation::fail("a write behind the table");
    Edges result;
    for (const int64_t j : sorted_by(y.samples.empty() ? Ids(y.count, 0) : y.samples)) {
      for (int64_t p = j * places; p < (j + 1) * places; ++p) {
        if (valid[p])
          result.emplace_back(j, index[p]);
        else if (index[p] != 0)
          emulation::fail("a place without a neighbour is not 0");
      }
    }
    return result;
  }

  Edges radius_places(T r, int64_t places) const {
    return table(places, [&](const auto& as_they_stand, auto* index, auto* valid) {
      radius_table(tree, as_they_stand, r, places, index, valid, nullptr);
    });
  }

  Edges knn_places(int64_t places) const {
    return table(places, [&](const auto& as_they_stand, auto* index, auto* valid) {
      knn_table(tree, as_they_stand, places, index, valid, nullptr);
    });
  }

  Edges knn(int64_t k) const {
    Ids counts(y.count, k);
    const bool plain = x.samples.empty() && y.samples.empty();
    if (!plain) knn_counts(tree, queries, k, counts.data(), nullptr);
    return edges(counts, [&](auto* ends, auto* rows, auto* columns) {
      knn_edges(tree, queries, k, plain ? nullptr : ends, rows, columns, nullptr);
    });
  }
};

int failures = 0;

void expect_equal(const Edges& got, const Edges& expected, const char* what, const char* kind, int64_t n, int dims,
                  double parameter) {
  if (got == expected) return;
  ++failures;
  std::printf("%s of %s, %lld points in %d dimensions, %g: %zu edges, expected %zu\n", what, kind,
              static_cast<long long>(n), dims, parameter, got.size(), expected.size());
}

template <typename T>
void check(const char* kind, const Cloud<T>& x, const Cloud<T>& y, std::initializer_list<double> radii) {
  // As they stand, points make boxes that rule little out: enough for a few, and of several boxes in space only.
  for (const bool sort : {true, false}) {
    if (!sort && x.count > (x.dims == 3 ? 200 : 40)) continue;
    const Search<T> search(x, y, sort);
    for (const double radius : radii) {
      for (const int64_t limit : {int64_t{1}, int64_t{40}, std::min(x.count, int64_t{150})}) {
        const int64_t kept = std::min(limit, x.count);
        const T r = static_cast<T>(radius);
        const Edges expected = reference(x, y, [&](auto& candidates) {
          Ids chosen;
          for (const auto& [d, i] : candidates) {
            if (d <= r && static_cast<int64_t>(chosen.size()) < kept) chosen.push_back(i);
          }
          return chosen;
        });
        expect_equal(search.radius(r, kept), expected, "radius", kind, x.count, x.dims, radius);
        expect_equal(search.radius_places(r, kept), expected, "table of radius", kind, x.count, x.dims, radius);
      }
    }
    for (const int64_t k : {int64_t{1}, int64_t{32}, int64_t{140}}) {
      const int64_t kept = std::min(k, x.count);
      const Edges expected = reference(x, y, [&](auto& candidates) {
        for (auto& [d, i] : candidates) d = std::isnan(d) ? std::numeric_limits<T>::infinity() : d;
        std::stable_sort(candidates.begin(), candidates.end());
        Ids chosen;
        for (const auto& [d, i] : candidates) {
          if (static_cast<int64_t>(chosen.size()) < kept) chosen.push_back(i);
        }
        return chosen;
      });
      expect_equal(search.knn(kept), expected, "knn", kind, x.count, x.dims, static_cast<double>(k));
      expect_equal(search.knn_places(kept), expected, "table of knn", kind, x.count, x.dims, static_cast<double>(k));
    }
  }
}

template <typename T>
void check_all(int64_t many) {
  std::mt19937_64 random(7);
  const auto uniform = [&] { return static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(random)); };
  for (const int dims : {0, 1, 3, 5}) {
    for (const int64_t n : {int64_t{1}, int64_t{33}, dims == 3 ? many : int64_t{150}}) {
      const int64_t m = 5;
      Cloud<T> x{n, dims, {}, {}}, y{m, dims, {}, {}};
      for (int64_t i = 0; i < n * dims; ++i) x.points.push_back(uniform());
      for (int64_t i = 0; i < m * dims; ++i) y.points.push_back(static_cast<T>(1.2) * uniform());
      check("uniform points", x, y, {0, 0.3, 10});

      Cloud<T> lattice = x;  // many equal distances, many equal points
      for (T& value : lattice.points) value = std::round(value * 3);
      Cloud<T> at = y;
      for (T& value : at.points) value = std::round(value * 6) / 2;
      check("a lattice", lattice, at, {1, 1.4142135623730951});

      Cloud<T> broken = x, asking = y;
      if (dims > 0) {
        const T infinity = std::numeric_limits<T>::infinity();
        for (size_t i = 0; i < broken.points.size(); i += 5)
          broken.points[i] = i % 3 == 0 ? NAN : i % 2 ? infinity : -infinity;
        asking.points[0] = NAN;
        asking.points.back() = infinity;
      }
      check("points that are not finite", broken, asking, {0.4, std::numeric_limits<double>::infinity()});

      Cloud<T> samples = x, questions = y;
      for (int64_t i = 0; i < n; ++i) samples.samples.push_back(static_cast<int64_t>(random() % 4) * 5 - 5);
      for (int64_t i = 0; i < m; ++i) questions.samples.push_back(static_cast<int64_t>(random() % 5) * 5 - 5);
      check("samples", samples, questions, {0.4});
      check("samples of points only", samples, y, {0.4});
      check("samples of queries only", x, questions, {0.4});
    }
  }
}

}  // namespace

int main() {
  check_all<float>(1100);
  check_all<double>(150);
  if (failures == 0) std::printf("equal\n");
  return failures == 0 ? 0 : 1;
}
