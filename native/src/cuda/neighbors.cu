#include "cuda/neighbors.cuh"

#include <cmath>

#include "cuda/launch.cuh"

namespace noether::cuda {
namespace {

// ---- arithmetic that rounds each operation, as on the CPU: nvcc would join products and sums

__device__ __forceinline__ float subtract(float a, float b) {
  return __fsub_rn(a, b);
}
__device__ __forceinline__ double subtract(double a, double b) {
  return __dsub_rn(a, b);
}
__device__ __forceinline__ float add_square(float sum, float a) {
  return __fadd_rn(sum, __fmul_rn(a, a));
}
__device__ __forceinline__ double add_square(double sum, double a) {
  return __dadd_rn(sum, __dmul_rn(a, a));
}
__device__ __forceinline__ float root(float a) {
  return __fsqrt_rn(a);
}
__device__ __forceinline__ double root(double a) {
  return __dsqrt_rn(a);
}

// Of values that are not negative, in their order.
__device__ __forceinline__ uint32_t bits_of(float a) {
  return __float_as_uint(a);
}
__device__ __forceinline__ uint64_t bits_of(double a) {
  return static_cast<uint64_t>(__double_as_longlong(a));
}

template <typename T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using type = uint32_t;
};
template <>
struct BitsOf<double> {
  using type = uint64_t;
};

template <typename T>
__device__ __forceinline__ T infinity() {
  return static_cast<T>(INFINITY);
}

// ---- the tree

constexpr unsigned long long kSign = 1ULL << 63;

// Doubles as numbers in the same order, and the way back.
__device__ inline unsigned long long ordered(double value) {
  const auto bits = static_cast<unsigned long long>(__double_as_longlong(value));
  return bits & kSign ? ~bits : bits | kSign;
}

__device__ inline double unordered(unsigned long long code) {
  return __longlong_as_double(static_cast<long long>(code & kSign ? code & ~kSign : ~code));
}

template <typename T>
__global__ void bounds_kernel(const T* x, int64_t count, int dims, unsigned long long* result) {
  const int axes = dims < kTreeAxes ? dims : kTreeAxes;
  unsigned long long best[2 * kTreeAxes] = {};
  for (int64_t i = thread_number(); i < count; i += thread_count()) {
    for (int a = 0; a < axes; ++a) {
      const double value = static_cast<double>(x[i * dims + a]);
      if (!isfinite(value)) continue;
      const unsigned long long code = ordered(value);
      best[a] = code > best[a] ? code : best[a];
      best[kTreeAxes + a] = ~code > best[kTreeAxes + a] ? ~code : best[kTreeAxes + a];
    }
  }
  for (int a = 0; a < 2 * kTreeAxes; ++a) {
    for (int step = kWarp / 2; step > 0; step /= 2) {
      const unsigned long long other = __shfl_xor_sync(kAllLanes, best[a], step);
      best[a] = other > best[a] ? other : best[a];
    }
    if (threadIdx.x % kWarp == 0 && best[a] != 0) atomicMax(result + a, best[a]);
  }
}

constexpr int kCodeBits = 20;

// Spreads the bits of a number of 20 bits to every third place.
__device__ inline uint64_t spread(uint64_t v) {
  v = (v | v << 32) & 0x1f00000000ffffULL;
  v = (v | v << 16) & 0x1f0000ff0000ffULL;
  v = (v | v << 8) & 0x100f00f00f00f00fULL;
  v = (v | v << 4) & 0x10c30c30c30c30c3ULL;
  return (v | v << 2) & 0x1249249249249249ULL;
}

// Points of equal code may come in any order that the sort likes: it is stable, so that they come by index.
template <typename T>
__global__ void codes_kernel(const T* x, int64_t count, int dims, const unsigned long long* bounds, int64_t* codes) {
  const int64_t i = thread_number();
  if (i >= count) return;
  const int axes = dims < kTreeAxes ? dims : kTreeAxes;
  double low[kTreeAxes] = {}, extent = 0;
  for (int a = 0; a < axes; ++a) {
    if (bounds[a] == 0) continue;  // not one finite coordinate
    low[a] = unordered(~bounds[kTreeAxes + a]);
    extent = fmax(extent, unordered(bounds[a]) - low[a]);
  }
  uint64_t code = 0;
  for (int a = 0; a < axes; ++a) {
    constexpr double kLargest = (1 << kCodeBits) - 1;
    const double place = (static_cast<double>(x[i * dims + a]) - low[a]) / extent * kLargest;
    code |= spread(static_cast<uint64_t>(fmin(fmax(place, 0.0), kLargest))) << a;  // NaN goes to 0
  }
  codes[i] = static_cast<int64_t>(code);
}

template <typename T>
__device__ inline void store_box(const PointTree<T>& tree, int level, int64_t node, T (&low)[kTreeAxes],
                                 T (&high)[kTreeAxes], int32_t lowest) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    for (int a = 0; a < kTreeAxes; ++a) {
      low[a] = fmin(low[a], __shfl_xor_sync(kAllLanes, low[a], step));
      high[a] = fmax(high[a], __shfl_xor_sync(kAllLanes, high[a], step));
    }
    const int32_t other = __shfl_xor_sync(kAllLanes, lowest, step);
    lowest = other < lowest ? other : lowest;
  }
  if (threadIdx.x % kWarp != 0) return;
  const int64_t nodes = tree.nodes[level];
  T* boxes = tree.boxes[level];
  for (int a = 0; a < kTreeAxes; ++a) {
    boxes[a * nodes + node] = low[a];
    boxes[(kTreeAxes + a) * nodes + node] = high[a];
  }
  tree.lowest[level][node] = lowest;
}

// A warp for each leaf.
template <typename T>
__global__ void leaves_kernel(const T* x, const int64_t* order, PointTree<T> tree) {
  const int64_t leaf = thread_number() / kWarp;
  const int lane = threadIdx.x % kWarp;
  if (leaf >= tree.nodes[0]) return;
  const int64_t place = leaf * kWarp + lane;
  const bool valid = place < tree.count;
  const int64_t source = !valid ? 0 : order ? order[place] : place;
  T low[kTreeAxes], high[kTreeAxes];
  for (int a = 0; a < kTreeAxes; ++a) {
    // An axis that points do not have is no distance to anyone.
    low[a] = a < tree.dims ? infinity<T>() : -infinity<T>();
    high[a] = -low[a];
  }
  for (int d = 0; d < tree.dims; ++d) {
    const T value = valid ? x[source * tree.dims + d] : T(0);
    tree.points[(leaf * tree.dims + d) * kWarp + lane] = value;
    if (d < kTreeAxes && valid) {
      low[d] = fmin(low[d], value);  // NaN leaves them as they are
      high[d] = fmax(high[d], value);
    }
  }
  tree.index[place] = static_cast<int32_t>(source);
  store_box(tree, 0, leaf, low, high, valid ? static_cast<int32_t>(source) : INT32_MAX);
}

// A warp for each node of a level above the leaves.
template <typename T>
__global__ void nodes_kernel(PointTree<T> tree, int level) {
  const int64_t node = thread_number() / kWarp;
  const int64_t nodes = tree.nodes[level], children = tree.nodes[level - 1];
  if (node >= nodes) return;
  const int64_t child = node * kWarp + threadIdx.x % kWarp;
  const bool valid = child < children;
  const T* boxes = tree.boxes[level - 1];
  T low[kTreeAxes], high[kTreeAxes];
  for (int a = 0; a < kTreeAxes; ++a) {
    low[a] = valid ? boxes[a * children + child] : infinity<T>();
    high[a] = valid ? boxes[(kTreeAxes + a) * children + child] : -infinity<T>();
  }
  store_box(tree, level, node, low, high, valid ? tree.lowest[level - 1][child] : INT32_MAX);
}

// ---- lists of the least keys, spread over the lanes of a warp: entry e is row e / 32 of lane e mod 32

// An index alone: neighbours within a radius, the lowest first.
struct IndexKey {
  uint32_t index;
  __device__ static IndexKey largest() { return {UINT32_MAX}; }
  __device__ bool operator<(const IndexKey& other) const { return index < other.index; }
  __device__ IndexKey from_lane(int lane) const { return {__shfl_sync(kAllLanes, index, lane)}; }
  __device__ IndexKey from_below() const { return {__shfl_up_sync(kAllLanes, index, 1)}; }
};

// A distance and an index: the nearest first, the lower index first where distances are equal.
template <typename T>
struct DistanceKey {
  typename BitsOf<T>::type distance;
  uint32_t index;
  __device__ static DistanceKey largest() { return {static_cast<typename BitsOf<T>::type>(-1), UINT32_MAX}; }
  __device__ bool operator<(const DistanceKey& other) const {
    return distance < other.distance || (distance == other.distance && index < other.index);
  }
  __device__ DistanceKey from_lane(int lane) const {
    return {__shfl_sync(kAllLanes, distance, lane), __shfl_sync(kAllLanes, index, lane)};
  }
  __device__ DistanceKey from_below() const {
    return {__shfl_up_sync(kAllLanes, distance, 1), __shfl_up_sync(kAllLanes, index, 1)};
  }
};

template <typename Key, int Rows>
struct LeastKeys {
  Key entries[Rows];
  Key worst;       // the last one that is kept
  Key floor = {};  // only larger ones are taken
  bool floored = false;
  int size;  // of the list, at most 32 Rows
  int lane;

  __device__ void start(int keys) {
    size = keys;
    worst = Key::largest();
    for (int row = 0; row < Rows; ++row) entries[row] = Key::largest();
  }

  // Takes the keys of those lanes that offer one.
  __device__ void offer(bool wanted, const Key& key) {
    wanted = wanted && key < worst && (!floored || floor < key);
    for (unsigned lanes = __ballot_sync(kAllLanes, wanted); lanes != 0; lanes &= lanes - 1) {
      const Key next = key.from_lane(__ffs(static_cast<int>(lanes)) - 1);
      if (next < worst) insert(next);
    }
  }

  __device__ void insert(const Key& key) {
    for (int row = Rows - 1; row >= 0; --row) {
      Key below = entries[row].from_below();
      const Key carried = entries[row > 0 ? row - 1 : 0].from_lane(kWarp - 1);
      bool below_stays = true;  // nothing is below the first
      if (lane == 0) below = carried;
      if (lane > 0 || row > 0) below_stays = below < key;
      if (!(entries[row] < key)) entries[row] = below_stays ? key : below;
    }
    for (int row = 0; row < Rows; ++row) {
      if (row == (size - 1) / kWarp) worst = entries[row].from_lane((size - 1) % kWarp);
    }
  }

  // Continues behind the last entry.
  __device__ void advance() {
    floor = worst;
    floored = true;
  }
};

// ---- what a search wants of a node: `rank` is kSkipped or the order in which children are entered; `still` says
// whether one of that rank, and with it those behind, is worth it yet

template <typename T, int Rows>
struct NearestSearch {
  using Rank = typename BitsOf<T>::type;
  LeastKeys<DistanceKey<T>, Rows> found;

  __device__ Rank rank(T distance, int32_t) const { return bits_of(distance); }
  __device__ bool still(Rank rank) const { return rank <= found.worst.distance; }
  __device__ bool done() const { return false; }
  __device__ void points(bool valid, T distance, int32_t index) {
    // What cannot be compared is farthest away.
    found.offer(valid, {bits_of(distance == distance ? distance : infinity<T>()), static_cast<uint32_t>(index)});
  }
};

template <typename T, int Rows>
struct RadiusSearch {
  using Rank = uint32_t;
  LeastKeys<IndexKey, Rows> found;
  T r;

  __device__ Rank rank(T distance, int32_t lowest) const {
    return distance <= r ? static_cast<uint32_t>(lowest) : UINT32_MAX;
  }
  __device__ bool still(Rank rank) const { return rank < found.worst.index; }
  __device__ bool done() const { return false; }
  __device__ void points(bool valid, T distance, int32_t index) {
    found.offer(valid && distance <= r, {static_cast<uint32_t>(index)});
  }
};

template <typename T>
struct RadiusCount {
  using Rank = uint32_t;
  T r;
  int64_t kept;
  int64_t count = 0;

  __device__ Rank rank(T distance, int32_t lowest) const {
    return distance <= r ? static_cast<uint32_t>(lowest) : UINT32_MAX;
  }
  __device__ bool still(Rank) const { return true; }
  __device__ bool done() const { return count >= kept; }
  __device__ void points(bool valid, T distance, int32_t) {
    count += __popc(__ballot_sync(kAllLanes, valid && distance <= r));
  }
};

// ---- a query

// Places of the tree that hold the sample of a query.
struct Range {
  int64_t begin, end;
};

__device__ inline Range range_of(const int64_t* samples, int64_t count, int64_t sample) {
  if (!samples) return {0, sample == 0 ? count : 0};
  const auto first_not = [&](auto below) {
    int64_t low = 0, high = count;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (below(samples[middle]))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  return {first_not([&](int64_t s) { return s < sample; }), first_not([&](int64_t s) { return s <= sample; })};
}

template <typename T>
__device__ inline Range range_of_query(const PointTree<T>& tree, const Queries<T>& queries, int64_t query) {
  return range_of(tree.samples, tree.count, queries.samples ? queries.samples[query] : 0);
}

template <typename T>
struct Query {
  const T* point;
  T start[kTreeAxes];  // its first coordinates
  Range range;
  int lane;

  __device__ Query(const PointTree<T>& tree, const Queries<T>& queries, int64_t query)
      : point(queries.points + query * tree.dims),
        range(range_of_query(tree, queries, query)),
        lane(static_cast<int>(threadIdx.x % kWarp)) {
    for (int a = 0; a < kTreeAxes; ++a) start[a] = a < tree.dims ? point[a] : T(0);
  }

  // No larger than the distance to a point of the box, as rounding keeps the order.
  __device__ T distance_to_box(const T* boxes, int64_t nodes, int64_t node) const {
    T sum = 0;
    for (int a = 0; a < kTreeAxes; ++a) {
      const T low = boxes[a * nodes + node], high = boxes[(kTreeAxes + a) * nodes + node];
      // A coordinate that is not a number rules nothing out: fmax passes it over.
      sum = add_square(sum, fmax(fmax(subtract(low, start[a]), subtract(start[a], high)), T(0)));
    }
    return root(sum);
  }

  template <typename Search>
  __device__ void visit_leaf(const PointTree<T>& tree, int64_t leaf, Search& search) const {
    const int64_t place = leaf * kWarp + lane;
    const T* points = tree.points + leaf * tree.dims * kWarp + lane;
    T sum = 0;
    for (int a = 0; a < kTreeAxes; ++a) {
      if (a < tree.dims) sum = add_square(sum, subtract(start[a], points[a * kWarp]));
    }
    for (int d = kTreeAxes; d < tree.dims; ++d) sum = add_square(sum, subtract(point[d], points[d * kWarp]));
    search.points(place >= range.begin && place < range.end, root(sum), tree.index[place]);
  }

  // The 32 nodes of a level from `first` on, one a lane.
  template <int Level, typename Search>
  __device__ void visit(const PointTree<T>& tree, int64_t first, Search& search) const {
    using Rank = typename Search::Rank;
    constexpr Rank kSkipped = static_cast<Rank>(-1);
    const int64_t nodes = tree.nodes[Level], node = first + lane;
    const int64_t begin = node << (5 * (Level + 1)), end = (node + 1) << (5 * (Level + 1));
    Rank rank = kSkipped;
    if (node < nodes && begin < range.end && end > range.begin) {
      rank = search.rank(distance_to_box(tree.boxes[Level], nodes, node), tree.lowest[Level][node]);
    }
    while (!search.done()) {
      Rank best = rank;
      for (int step = kWarp / 2; step > 0; step /= 2) {
        const Rank other = __shfl_xor_sync(kAllLanes, best, step);
        best = other < best ? other : best;
      }
      if (best == kSkipped || !search.still(best)) return;
      const int next = __ffs(static_cast<int>(__ballot_sync(kAllLanes, rank == best))) - 1;
      if (lane == next) rank = kSkipped;
      if constexpr (Level == 0)
        visit_leaf(tree, first + next, search);
      else
        visit<Level - 1>(tree, (first + next) * kWarp, search);
    }
  }

  template <typename Search>
  __device__ void run(const PointTree<T>& tree, Search& search) const {
    constexpr int kTop = kTreeLevels - 1;
    const int64_t tops = tree.nodes[kTop];
    for (int64_t first = 0; first < tops && !search.done(); first += kWarp) visit<kTop>(tree, first, search);
  }
};

// Writes edges of a query, list after list where one does not hold all.
template <typename T, typename Search>
__device__ void write_edges(const PointTree<T>& tree, const Query<T>& query, int64_t number, Search& search,
                            int64_t total, int64_t* rows, int64_t* columns) {
  constexpr int kRows = sizeof(search.found.entries) / sizeof(search.found.entries[0]);
  search.found.lane = query.lane;
  for (int64_t written = 0; written < total; written += kRows * kWarp) {
    const int64_t left = total - written;
    const int size = left < kRows * kWarp ? static_cast<int>(left) : kRows * kWarp;
    search.found.start(size);
    query.run(tree, search);
    for (int row = 0; row < kRows; ++row) {
      const int entry = row * kWarp + query.lane;
      if (entry < size) {
        rows[written + entry] = number;
        columns[written + entry] = static_cast<int64_t>(search.found.entries[row].index);
      }
    }
    search.found.advance();
  }
}

// Writes as many neighbours as there are into `places` places, and fills the rest.
template <typename T, typename Search>
__device__ void write_table(const PointTree<T>& tree, const Query<T>& query, Search& search, int64_t places,
                            int64_t* index, bool* valid) {
  constexpr int kRows = sizeof(search.found.entries) / sizeof(search.found.entries[0]);
  search.found.lane = query.lane;
  bool more = true;
  for (int64_t written = 0; written < places; written += kRows * kWarp) {
    const int64_t left = places - written;
    const int size = left < kRows * kWarp ? static_cast<int>(left) : kRows * kWarp;
    search.found.start(size);
    if (more) query.run(tree, search);
    for (int row = 0; row < kRows; ++row) {
      const int entry = row * kWarp + query.lane;
      if (entry >= size) continue;
      const uint32_t found = search.found.entries[row].index;
      const bool holds = found != UINT32_MAX;
      index[written + entry] = holds ? static_cast<int64_t>(found) : 0;
      if (valid) valid[written + entry] = holds;
    }
    more = search.found.worst.index != UINT32_MAX;
    search.found.advance();
  }
}

// ---- kernels of searches: a warp for each query

struct Span {
  int64_t begin, count;
};

__device__ inline Span span_of(const int64_t* ends, int64_t place) {
  const int64_t begin = place > 0 ? ends[place - 1] : 0;
  return {begin, ends[place] - begin};
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    radius_counts_kernel(PointTree<T> tree, Queries<T> queries, T r, int64_t kept, int64_t* counts) {
  const int64_t place = thread_number() / kWarp;
  if (place >= queries.count) return;
  const int64_t number = queries.order ? queries.order[place] : place;
  const Query<T> query(tree, queries, number);
  RadiusCount<T> search{r, kept};
  query.run(tree, search);
  if (query.lane == 0) counts[place] = search.count < kept ? search.count : kept;
}

template <typename T, int Rows>
__global__ void __launch_bounds__(kThreads) radius_edges_kernel(PointTree<T> tree, Queries<T> queries, T r,
                                                                const int64_t* ends, int64_t* rows, int64_t* columns) {
  const int64_t place = thread_number() / kWarp;
  if (place >= queries.count) return;
  const int64_t number = queries.order ? queries.order[place] : place;
  const Query<T> query(tree, queries, number);
  const Span span = span_of(ends, place);
  RadiusSearch<T, Rows> search;
  search.r = r;
  write_edges(tree, query, number, search, span.count, rows + span.begin, columns + span.begin);
}

template <typename T>
__global__ void knn_counts_kernel(PointTree<T> tree, Queries<T> queries, int64_t k, int64_t* counts) {
  const int64_t place = thread_number();
  if (place >= queries.count) return;
  const Range range = range_of_query(tree, queries, queries.order ? queries.order[place] : place);
  const int64_t points = range.end - range.begin;
  counts[place] = points < k ? points : k;
}

template <typename T, int Rows>
__global__ void __launch_bounds__(kThreads) knn_edges_kernel(PointTree<T> tree, Queries<T> queries, int64_t k,
                                                             const int64_t* ends, int64_t* rows, int64_t* columns) {
  const int64_t place = thread_number() / kWarp;
  if (place >= queries.count) return;
  const int64_t number = queries.order ? queries.order[place] : place;
  const Query<T> query(tree, queries, number);
  const Span span = ends ? span_of(ends, place) : Span{place * k, k};
  NearestSearch<T, Rows> search;
  write_edges(tree, query, number, search, span.count, rows + span.begin, columns + span.begin);
}

template <typename T, int Rows>
__global__ void __launch_bounds__(kThreads)
    radius_table_kernel(PointTree<T> tree, Queries<T> queries, T r, int64_t places, int64_t* index, bool* valid) {
  const int64_t number = thread_number() / kWarp;
  if (number >= queries.count) return;
  const Query<T> query(tree, queries, number);
  RadiusSearch<T, Rows> search;
  search.r = r;
  write_table(tree, query, search, places, index + number * places, valid ? valid + number * places : nullptr);
}

template <typename T, int Rows>
__global__ void __launch_bounds__(kThreads)
    knn_table_kernel(PointTree<T> tree, Queries<T> queries, int64_t places, int64_t* index, bool* valid) {
  const int64_t number = thread_number() / kWarp;
  if (number >= queries.count) return;
  const Query<T> query(tree, queries, number);
  NearestSearch<T, Rows> search;
  write_table(tree, query, search, places, index + number * places, valid ? valid + number * places : nullptr);
}

constexpr int kManyRows = 4;  // 128 entries a list

}  // namespace

template <typename T>
cudaError_t bounds(const T* x, int64_t count, int dims, unsigned long long* result, cudaStream_t stream) {
  const int64_t blocks = blocks_for(count);
  return launch(bounds_kernel<T>, blocks < 512 ? blocks : 512, kThreads, stream, x, count, dims, result);
}

template <typename T>
cudaError_t sort_codes(const T* x, int64_t count, int dims, const unsigned long long* bounds, int64_t* codes,
                       cudaStream_t stream) {
  return launch(codes_kernel<T>, blocks_for(count), kThreads, stream, x, count, dims, bounds, codes);
}

template <typename T>
cudaError_t build_tree(const T* x, const int64_t* order, const PointTree<T>& tree, cudaStream_t stream) {
  cudaError_t error = launch(leaves_kernel<T>, blocks_for_warps(tree.nodes[0]), kThreads, stream, x, order, tree);
  for (int level = 1; level < kTreeLevels && error == cudaSuccess; ++level) {
    error = launch(nodes_kernel<T>, blocks_for_warps(tree.nodes[level]), kThreads, stream, tree, level);
  }
  return error;
}

template <typename T>
cudaError_t radius_counts(const PointTree<T>& tree, const Queries<T>& queries, T r, int64_t kept, int64_t* counts,
                          cudaStream_t stream) {
  return launch(radius_counts_kernel<T>, blocks_for_warps(queries.count), kThreads, stream, tree, queries, r, kept,
                counts);
}

template <typename T>
cudaError_t radius_edges(const PointTree<T>& tree, const Queries<T>& queries, T r, int64_t expected,
                         const int64_t* ends, int64_t* rows, int64_t* columns, cudaStream_t stream) {
  const auto kernel = expected <= kWarp ? radius_edges_kernel<T, 1> : radius_edges_kernel<T, kManyRows>;
  return launch(kernel, blocks_for_warps(queries.count), kThreads, stream, tree, queries, r, ends, rows, columns);
}

template <typename T>
cudaError_t knn_counts(const PointTree<T>& tree, const Queries<T>& queries, int64_t k, int64_t* counts,
                       cudaStream_t stream) {
  return launch(knn_counts_kernel<T>, blocks_for(queries.count), kThreads, stream, tree, queries, k, counts);
}

template <typename T>
cudaError_t knn_edges(const PointTree<T>& tree, const Queries<T>& queries, int64_t k, const int64_t* ends,
                      int64_t* rows, int64_t* columns, cudaStream_t stream) {
  const auto kernel = k <= kWarp ? knn_edges_kernel<T, 1> : knn_edges_kernel<T, kManyRows>;
  return launch(kernel, blocks_for_warps(queries.count), kThreads, stream, tree, queries, k, ends, rows, columns);
}

template <typename T>
cudaError_t radius_table(const PointTree<T>& tree, const Queries<T>& queries, T r, int64_t places, int64_t* index,
                         bool* valid, cudaStream_t stream) {
  const auto kernel = places <= kWarp ? radius_table_kernel<T, 1> : radius_table_kernel<T, kManyRows>;
  return launch(kernel, blocks_for_warps(queries.count), kThreads, stream, tree, queries, r, places, index, valid);
}

template <typename T>
cudaError_t knn_table(const PointTree<T>& tree, const Queries<T>& queries, int64_t places, int64_t* index, bool* valid,
                      cudaStream_t stream) {
  const auto kernel = places <= kWarp ? knn_table_kernel<T, 1> : knn_table_kernel<T, kManyRows>;
  return launch(kernel, blocks_for_warps(queries.count), kThreads, stream, tree, queries, places, index, valid);
}

#define NOETHER_NEIGHBORS(T)                                                                                         \
  template cudaError_t bounds<T>(const T*, int64_t, int, unsigned long long*, cudaStream_t);                         \
  template cudaError_t sort_codes<T>(const T*, int64_t, int, const unsigned long long*, int64_t*, cudaStream_t);     \
  template cudaError_t build_tree<T>(const T*, const int64_t*, const PointTree<T>&, cudaStream_t);                   \
  template cudaError_t radius_counts<T>(const PointTree<T>&, const Queries<T>&, T, int64_t, int64_t*, cudaStream_t); \
  template cudaError_t radius_edges<T>(const PointTree<T>&, const Queries<T>&, T, int64_t, const int64_t*, int64_t*, \
                                       int64_t*, cudaStream_t);                                                      \
  template cudaError_t knn_counts<T>(const PointTree<T>&, const Queries<T>&, int64_t, int64_t*, cudaStream_t);       \
  template cudaError_t knn_edges<T>(const PointTree<T>&, const Queries<T>&, int64_t, const int64_t*, int64_t*,       \
                                    int64_t*, cudaStream_t);                                                         \
  template cudaError_t radius_table<T>(const PointTree<T>&, const Queries<T>&, T, int64_t, int64_t*, bool*,          \
                                       cudaStream_t);                                                                \
  template cudaError_t knn_table<T>(const PointTree<T>&, const Queries<T>&, int64_t, int64_t*, bool*, cudaStream_t);
NOETHER_NEIGHBORS(float)
NOETHER_NEIGHBORS(double)

}  // namespace noether::cuda
