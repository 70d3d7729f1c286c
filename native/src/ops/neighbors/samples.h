// What the searches on the CPU share: points grouped by sample, distances, and the results of many queries joined in
// order.
//
// Part of neighbors.cpp, which alone includes it: there products and sums round as separate operations.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace noether {
namespace {

using at::Tensor;
using Batch = std::optional<Tensor>;

constexpr int64_t kQueryBlock = 256;  // queries that one task answers

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
}  // namespace
}  // namespace noether
