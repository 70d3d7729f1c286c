// Attention's backward pass on vector units. To be included inside the region that is compiled for an instruction set,
// after its vector.
//
//   P = 2^(Q K^T factor - logsumexp),  dS = P (dO V^T - delta),  dV = P^T dO,  dK = scale dS^T Q,  dQ = scale dS K
//
// A task is a chunk of a head's keys: it goes through all queries for a block of keys after the other, and sums its own
// part of dQ. The number of chunks depends on the sizes alone, and the parts are added in order: the same bits for any
// number of threads.
//
// The gradients of a query's logits sum to zero but for rounding, and what rounding leaves meets the mean key in dQ:
// float32 arithmetic takes keys minus a centre, which changes nothing else.
#pragma once

#include <atomic>

#include "kernels/attention_vector_blocks.h"
#include "kernels/parallel.h"

namespace noether::kernels {
namespace {

constexpr int kBlockPanels = 2;
constexpr int kBlockQueries = kBlockPanels * kPanel;
constexpr int kBackwardKeys = 144;  // most keys of a block
constexpr int kCentreSamples = 64;
static_assert(kBackwardKeys % kProductRows == 0);

// Weights and gradients of logits for a block of keys x kBlockQueries, as the products need them.
template <typename Values>
struct Weights {
  using Elem = typename Values::Elem;
  static constexpr long kRow = kBlockQueries / Values::kPair;          // of weights and gradients, (keys x queries)
  static constexpr long kSize = static_cast<long>(kBackwardKeys) * kRow;
  Elem* weights;    // (keys x queries); of pairs: along the queries
  Elem* gradients;  // the same
  Elem* by_keys;    // gradients in pairs along the keys; without pairs the same as `gradients`
};

// Weights of a tile of keys for a panel of queries into `target` (kTileKeys x `row`).
template <typename Values>
__attribute__((noinline)) void weights_tile(LeftRows keys, const typename Values::Elem* queries, long depth,
                                            float factor, const float* logsumexp, float* target, long row) {
  Vector::Type scores[kTileKeys][kPanelVectors];
  multiply_tile<Values, kTileKeys, kPanelVectors>(keys.data, keys.row, sizeof(typename Values::Elem), queries, kPanel,
                                                  depth, scores);
  const Vector::Type scale = Vector::all(factor);
#pragma GCC unroll 4
  for (int j = 0; j < kPanelVectors; ++j) {
    const Vector::Type reference = Vector::load(logsumexp + j * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kTileKeys; ++r) {
      const Vector::Type logit = Vector::multiply_subtract(scores[r][j], scale, reference);
      Vector::store(target + r * row + j * kLanes, Vector::exp2<Values::kDegree>(logit));
    }
  }
}

// Turns weights (kTileKeys x `row`) into gradients of logits, in place.
template <typename Values>
__attribute__((noinline)) void gradients_tile(LeftRows values, const typename Values::Elem* grad_out, long depth,
                                              const float* delta, const float* weights, float* target, long row) {
  Vector::Type products[kTileKeys][kPanelVectors];
  multiply_tile<Values, kTileKeys, kPanelVectors>(values.data, values.row, sizeof(typename Values::Elem), grad_out,
                                                  kPanel, depth, products);
#pragma GCC unroll 4
  for (int j = 0; j < kPanelVectors; ++j) {
    const Vector::Type shift = Vector::load(delta + j * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kTileKeys; ++r) {
      const Vector::Type weight = Vector::load(weights + r * row + j * kLanes);
      Vector::store(target + r * row + j * kLanes,
                    Vector::multiply(weight, Vector::subtract(products[r][j], shift)));
    }
  }
}

// Weights and gradients of logits of a tile, at key `key` and query `query` of the block.
template <typename Values>
inline void tile_gradients(LeftRows keys, LeftRows values, const typename Values::Elem* queries,
                           const typename Values::Elem* grad_out, long depth, float factor, const float* logsumexp,
                           const float* delta, const Weights<Values>& block, int key, int query, int valid) {
  using Block = Weights<Values>;
  constexpr int kPair = Values::kPair;
  const long at = key * Block::kRow + query / kPair;
  if constexpr (kPair == 1) {
    weights_tile<Values>(keys, queries, depth, factor, logsumexp, block.weights + at, Block::kRow);
    gradients_tile<Values>(values, grad_out, depth, delta, block.weights + at, block.gradients + at, Block::kRow);
  } else {
    alignas(64) float weights[kTileKeys][kPanel], gradients[kTileKeys][kPanel];
    weights_tile<Values>(keys, queries, depth, factor, logsumexp, weights[0], kPanel);
    gradients_tile<Values>(values, grad_out, depth, delta, weights[0], gradients[0], kPanel);
    for (int r = valid; r < kTileKeys; ++r) std::memset(gradients[r], 0, sizeof gradients[r]);
    for (int j = 0; j < kPanel; j += kLanes) {
      for (int r = 0; r < kTileKeys; ++r) {
        Packing<Values>::store_queries(block.weights + at + r * Block::kRow + j / kPair, Vector::load(weights[r] + j));
        Packing<Values>::store_queries(block.gradients + at + r * Block::kRow + j / kPair,
                                       Vector::load(gradients[r] + j));
      }
      for (int r = 0; r < kTileKeys; r += kPair)
        Packing<Values>::store_keys(block.by_keys + (key + r) / kPair * kBlockQueries + query + j, kBlockQueries,
                                    Vector::load(gradients[r] + j), Vector::load(gradients[r + 1] + j));
    }
  }
}

// A number to subtract from all keys: the mean of some of them.
template <typename Values>
void find_centre(const Rows& k, int heads, int head, int keys, int channels, int padded, float* centre) {
  using In = typename Values::In;
  const int samples = smaller(keys, kCentreSamples);
  alignas(64) float row[128];
  for (int d = 0; d < padded; ++d) centre[d] = row[d] = 0;
  for (int i = 0; i < samples; ++i) {
    const int key = static_cast<int>(static_cast<long>(i) * keys / samples);
    Values::copy(row_of<In>(k, heads, head, key), channels, row);
    for (int d = 0; d < padded; ++d) centre[d] += row[d];
  }
  for (int d = 0; d < padded; ++d) {
    const float mean = centre[d] / static_cast<float>(samples);
    centre[d] = mean - mean == 0 ? mean : 0;  // infinities stay where they are
  }
}

template <typename Values>
void attention_backward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                        Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v) {
  using In = typename Values::In;
  using Elem = typename Values::Elem;
  constexpr int kPair = Values::kPair;
  constexpr long kElem = sizeof(Elem);
  using Block = Weights<Values>;
  const int heads = problem.batch * problem.heads, channels = problem.channels, queries = problem.queries,
            keys = problem.keys;
  const int padded = static_cast<int>(round_up(channels, kLanes));
  const int blocks = blocks_of(queries, kBlockQueries), padded_queries = blocks * kBlockQueries;
  constexpr int kLeastChunk = 200, kMostChunks = 8, kTasks = 24;
  const int chunks = larger(1, smaller(smaller(keys / kLeastChunk, kMostChunks), blocks_of(kTasks, heads)));
  const int chunk_keys = blocks_of(blocks_of(keys, chunks), kTileKeys) * kTileKeys, tasks = heads * chunks;
  // Blocks of a chunk are about equal.
  const int chunk_blocks = blocks_of(chunk_keys, kBackwardKeys);
  const int block_keys = blocks_of(blocks_of(chunk_keys, chunk_blocks), kTileKeys) * kTileKeys;

  const bool in_place = Values::kInPlace && kPair == 1 && padded == channels;  // queries as right operand
  const long panel = panel_size<Values>(channels), panels = static_cast<long>(heads) * blocks * kBlockPanels;
  const long right_block = kBlockQueries / kPair * long{padded};
  const long rights = in_place ? 0 : static_cast<long>(heads) * blocks * right_block;
  const long all_queries = static_cast<long>(heads) * padded_queries, part = static_cast<long>(padded_queries) * padded;
  const long left_size = Values::kInPlace ? 0 : static_cast<long>(kBackwardKeys) * padded;
  const long key_size = static_cast<long>(kBackwardKeys + 2) / kPair * padded;
  const long sums = static_cast<long>(kBackwardKeys) * padded;
  const size_t local =
      round_up(4 * (3 * Block::kSize + 2 * left_size + key_size + 2 * sums + 2 * kTileKeys * kPanel) + 4096, 256);
  Arena arena{static_cast<char*>(
      runtime.allocate(4 * (2 * panels * panel + 2 * rights + 2 * all_queries + tasks * part) +
                           runtime.threads * local + 4096,
                       runtime.allocate_context))};
  Elem* q_panels = arena.take<Elem>(panels * panel);
  Elem* g_panels = arena.take<Elem>(panels * panel);
  Elem* q_rights = arena.take<Elem>(rights);
  Elem* g_rights = arena.take<Elem>(rights);
  float* lse = arena.take<float>(all_queries);    // in powers of two
  float* delta = arena.take<float>(all_queries);  // sum of dO * O per query
  float* parts = arena.take<float>(tasks * part);
  char* locals = arena.take<char>(runtime.threads * local);

  parallel(runtime, [&](int thread) {
    const long total = static_cast<long>(heads) * blocks;
    alignas(64) float x[128], y[128];
    for (int d = 0; d < 128; ++d) x[d] = y[d] = 0;
    for (long i = total * thread / runtime.threads; i < total * (thread + 1) / runtime.threads; ++i) {
      const int h = static_cast<int>(i / blocks), first = static_cast<int>(i % blocks) * kBlockQueries;
      const int valid = smaller(kBlockQueries, queries - first);
      const In* query = row_of<In>(q, problem.heads, h, first);
      const In* gradient = row_of<In>(grad_out, problem.heads, h, first);
      for (int p = 0; p < kBlockPanels; ++p) {
        const long at = (i * kBlockPanels + p) * panel;
        pack_panel<Values>(query + p * kPanel * q.row, q.row, valid - p * kPanel, channels, q_panels + at);
        pack_panel<Values>(gradient + p * kPanel * grad_out.row, grad_out.row, valid - p * kPanel, channels,
                           g_panels + at);
      }
      if (!in_place) {
        Packing<Values>::rows(query, q.row, valid, channels, padded, nullptr, q_rights + i * right_block);
        Packing<Values>::rows(gradient, grad_out.row, valid, channels, padded, nullptr, g_rights + i * right_block);
      }
      for (int r = 0; r < kBlockQueries; ++r) {
        float dot = 0, sum = kPadding;
        if (r < valid) {
          widen_row(gradient + r * grad_out.row, channels, x);
          widen_row(row_of<In>(out, problem.heads, h, first + r), channels, y);
          Vector::Type products = Vector::zero();
          for (int d = 0; d < padded; d += kLanes)
            products = Vector::multiply_add(Vector::load(x + d), Vector::load(y + d), products);
          dot = Vector::sum(products);
          sum = logsumexp[static_cast<long>(h) * queries + first + r] * kLog2E;
        }
        delta[i * kBlockQueries + r] = dot;
        lse[i * kBlockQueries + r] = sum;
      }
    }
  });

  const float factor = problem.scale * kLog2E;
  std::atomic<int> next{0};
  parallel(runtime, [&](int thread) {
    Arena scratch{locals + thread * local};
    Block block;
    block.weights = scratch.take<Elem>(Block::kSize);
    block.gradients = scratch.take<Elem>(Block::kSize);
    block.by_keys = kPair == 1 ? block.gradients : scratch.take<Elem>(Block::kSize);
    Elem* left_k = scratch.take<Elem>(left_size);
    Elem* left_v = scratch.take<Elem>(left_size);
    Elem* right_k = scratch.take<Elem>(key_size);
    float* dk = scratch.take<float>(sums);
    float* dv = scratch.take<float>(sums);
    alignas(64) float centre[128];
    EdgeRows<Values> key_edge, value_edge;
    for (int task; (task = next.fetch_add(1)) < tasks;) {
      const int h = task / chunks, begin = smaller(keys, task % chunks * chunk_keys),
                end = smaller(keys, begin + chunk_keys);
      float* dq = parts + task * part;
      if (begin == end) std::memset(dq, 0, static_cast<size_t>(part) * sizeof(float));
      if constexpr (kPair == 1) find_centre<Values>(k, problem.heads, h, keys, channels, padded, centre);
      for (int first = begin; first < end; first += block_keys) {
        const int count = smaller(block_keys, end - first);
        const long rows = round_up(count, kProductRows);
        const LeftRows key_rows = left_rows<Values>(k, problem.heads, h, first, count, channels, padded, left_k);
        const LeftRows value_rows = left_rows<Values>(v, problem.heads, h, first, count, channels, padded, left_v);
        Packing<Values>::rows(row_of<In>(k, problem.heads, h, first), k.row, count, channels, padded,
                              kPair == 1 ? centre : nullptr, right_k);
        for (int b = 0; b < blocks; ++b) {
          const long i = static_cast<long>(h) * blocks + b;
          for (int p = 0; p < kBlockPanels; ++p) {
            const long at = i * kBlockPanels + p, query = i * kBlockQueries + p * kPanel;
            for (int r = 0; r < count; r += kTileKeys) {
              const int valid = smaller(kTileKeys, count - r);
              const LeftRows tile_keys =
                  valid == kTileKeys ? key_rows.from(r) : key_edge.copy(key_rows.from(r), valid, channels);
              const LeftRows tile_values =
                  valid == kTileKeys ? value_rows.from(r) : value_edge.copy(value_rows.from(r), valid, channels);
              tile_gradients<Values>(tile_keys, tile_values, q_panels + at * panel, g_panels + at * panel, channels / kPair,
                                factor, lse + query, delta + query, block, r, p * kPanel, valid);
            }
          }
          const int valid = smaller(kBlockQueries, queries - b * kBlockQueries);
          const Elem* g_right = in_place ? reinterpret_cast<const Elem*>(
                                               row_of<In>(grad_out, problem.heads, h, b * kBlockQueries))
                                         : g_rights + i * right_block;
          const Elem* q_right =
              in_place ? reinterpret_cast<const Elem*>(row_of<In>(q, problem.heads, h, b * kBlockQueries))
                       : q_rights + i * right_block;
          const long g_row = in_place ? grad_out.row : padded, q_row = in_place ? q.row : padded;
          const long depth = blocks_of(valid, kPair);
          product<Values, Block::kRow * kElem, kElem>(rows, padded, reinterpret_cast<const char*>(block.weights),
                                                      g_right, g_row, dv, padded, depth, b > 0);
          product<Values, Block::kRow * kElem, kElem>(rows, padded, reinterpret_cast<const char*>(block.gradients),
                                                      q_right, q_row, dk, padded, depth, b > 0);
          product<Values, kElem, kBlockQueries * kElem>(
              kBlockQueries, padded, reinterpret_cast<const char*>(block.by_keys), right_k, padded,
              dq + static_cast<long>(b) * kBlockQueries * padded, padded, blocks_of(count, kPair), first > begin);
        }
        for (int r = 0; r < count; ++r) {
          store_row(row_of<In>(grad_k, problem.heads, h, first + r), dk + static_cast<long>(r) * padded, problem.scale,
                    channels);
          store_row(row_of<In>(grad_v, problem.heads, h, first + r), dv + static_cast<long>(r) * padded, 1.F, channels);
        }
      }
    }
  });

  parallel(runtime, [&](int thread) {
    const long total = static_cast<long>(heads) * queries;
    alignas(64) float sum[128];
    for (long i = total * thread / runtime.threads; i < total * (thread + 1) / runtime.threads; ++i) {
      const int h = static_cast<int>(i / queries), query = static_cast<int>(i % queries);
      const float* source = parts + h * chunks * part + static_cast<long>(query) * padded;
      std::memcpy(sum, source, padded * sizeof(float));
      for (int c = 1; c < chunks; ++c) {
        for (int d = 0; d < padded; d += kLanes)
          Vector::store(sum + d, Vector::add(Vector::load(sum + d), Vector::load(source + c * part + d)));
      }
      store_row(row_of<In>(grad_q, problem.heads, h, query), sum, problem.scale, channels);
    }
  });
}

// In float32; bfloat16 is widened, and rounded once at the end.
inline void attention_backward_widened(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v,
                                       Rows out, Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k,
                                       Rows grad_v) {
  if (problem.bfloat16)
    attention_backward<WidenedValues>(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
  else
    attention_backward<FloatValues>(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
}

}  // namespace
}  // namespace noether::kernels
