// Attention's forward pass on vector units. To be included inside the region that is compiled for an instruction set,
// after its vector.
#pragma once

#include <atomic>
#include <cmath>

#include "kernels/attention_vector_blocks.h"
#include "kernels/parallel.h"

namespace noether::kernels {
namespace {

constexpr int kForwardKeys = 128;  // keys of a block
// How far, in powers of two, weights may be from one: no sum of them leaves float32, nor do their products with values
// that ordinary weights leave room for.
constexpr float kHeadroom = 16;

// Per query of a panel.
struct SoftmaxState {
  alignas(64) float reference[kPanel];  // weights are 2^(logit - reference)
  alignas(64) float sum[kPanel];
  alignas(64) float block_sum[kPanel];
  alignas(64) float block_largest[kPanel];  // of the scores, unscaled
};

// Weights of up to kTileKeys keys for a panel of queries; `factor` makes logits in powers of two of scores.
template <typename Values, bool Partial>
__attribute__((noinline)) void weigh_tile(LeftRows keys, const typename Values::Elem* queries, long depth, float factor,
                                          int valid, SoftmaxState& state, typename Values::Elem* weights) {
  Vector::Type scores[kTileKeys][kPanelVectors];
  multiply_tile<Values, kTileKeys, kPanelVectors>(keys.data, keys.row, sizeof(typename Values::Elem), queries, kPanel,
                                                  depth, scores);
  const Vector::Type scale = Vector::all(factor);
#pragma GCC unroll 4
  for (int j = 0; j < kPanelVectors; ++j) {
    const Vector::Type reference = Vector::load(state.reference + j * kLanes);
    Vector::Type largest = Vector::load(state.block_largest + j * kLanes);
    Vector::Type sum = Vector::load(state.block_sum + j * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kTileKeys; r += 2) {
      Vector::Type e[2];
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        const Vector::Type score = scores[r + i][j];
        e[i] = Vector::exp2<Values::kDegree>(Vector::multiply_subtract(score, scale, reference));
        if (Partial && r + i >= valid)
          e[i] = Vector::zero();
        else
          largest = Vector::larger(score, largest);
      }
      sum = Vector::add(sum, Vector::add(e[0], e[1]));
      Packing<Values>::store_keys(weights + r / Values::kPair * kPanel + j * kLanes, kPanel, e[0], e[1]);
    }
    Vector::store(state.block_largest + j * kLanes, largest);
    Vector::store(state.block_sum + j * kLanes, sum);
  }
}

// Moves the references where a block's logits are too far from them. False: they are not, the block's weights stand.
// What is summed so far is scaled to the new references.
inline bool move_references(float factor, bool first, long padded, SoftmaxState& state, float* sums) {
  const Vector::Type scale = Vector::all(factor), headroom = Vector::all(kHeadroom);
  bool move = false;
  for (int j = 0; j < kPanel; j += kLanes) {
    const Vector::Type largest = Vector::multiply(Vector::load(state.block_largest + j), scale);
    const Vector::Type reference = Vector::load(state.reference + j);
    move = move || Vector::any_above(largest, Vector::add(reference, headroom)) ||
           (first && Vector::any_above(Vector::subtract(reference, headroom), largest));
  }
  if (!move) return false;
  for (int j = 0; j < kPanel; j += kLanes) {
    const Vector::Type largest = Vector::multiply(Vector::load(state.block_largest + j), scale);
    const Vector::Type reference = Vector::load(state.reference + j);
    const Vector::Type moved = first ? largest : Vector::larger(largest, reference);
    Vector::store(state.reference + j, moved);
    if (first) continue;
    alignas(64) float factors[kLanes];
    Vector::store(factors, Vector::exp2<5>(Vector::subtract(reference, moved)));
    Vector::store(state.sum + j, Vector::multiply(Vector::load(state.sum + j), Vector::load(factors)));
    for (int i = 0; i < kLanes; ++i) {
      float* row = sums + (j + i) * padded;
      for (long d = 0; d < padded; d += kLanes)
        Vector::store(row + d, Vector::multiply(Vector::load(row + d), Vector::all(factors[i])));
    }
  }
  return true;
}

template <typename Values>
bool attention_forward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                       float* logsumexp) {
  using In = typename Values::In;
  using Elem = typename Values::Elem;
  constexpr int kPair = Values::kPair;
  const int heads = problem.batch * problem.heads, channels = problem.channels;
  const long padded = round_up(channels, kLanes);
  const long packed_rows = round_up(problem.keys, 2) / kPair, per_head = packed_rows * padded;
  const bool pack_keys = !Values::kInPlace, pack_values = !Values::kInPlace || kPair > 1 || padded != channels;
  const long weights_size = kForwardKeys / kPair * kPanel, sums_size = kPanel * padded;
  const size_t local = round_up(4 * (panel_size<Values>(channels) + weights_size + sums_size) + 1024, 256);
  Arena arena{static_cast<char*>(runtime.allocate(
      4 * heads * per_head * (pack_keys + pack_values) + runtime.threads * local + 4096, runtime.allocate_context))};
  Elem* packed_k = arena.take<Elem>(pack_keys ? heads * per_head : 0);
  Elem* packed_v = arena.take<Elem>(pack_values ? heads * per_head : 0);
  char* locals = arena.take<char>(runtime.threads * local);

  if (pack_keys || pack_values) {
    constexpr int kRows = 64;  // of a piece of work
    const int pieces = blocks_of(problem.keys, kRows);
    parallel(runtime, [&](int thread) {
      const long total = static_cast<long>(heads) * pieces;
      for (long i = total * thread / runtime.threads; i < total * (thread + 1) / runtime.threads; ++i) {
        const int h = static_cast<int>(i / pieces), first = static_cast<int>(i % pieces) * kRows;
        const int valid = smaller(kRows, problem.keys - first);
        const long at = h * per_head + first / kPair * padded;
        if (pack_keys)
          left_rows<Values>(k, problem.heads, h, first, valid, channels, static_cast<int>(padded), packed_k + at);
        if (pack_values)
          Packing<Values>::rows(row_of<In>(v, problem.heads, h, first), v.row, valid, channels,
                                static_cast<int>(padded), nullptr, packed_v + at);
      }
    });
  }

  const int panels = blocks_of(problem.queries, kPanel), tasks = panels * heads;
  const float factor = problem.scale * kLog2E;
  std::atomic<int> next{0};
  parallel(runtime, [&](int thread) {
    Arena scratch{locals + thread * local};
    Elem* queries = scratch.take<Elem>(panel_size<Values>(channels));
    Elem* weights = scratch.take<Elem>(weights_size);
    float* sums = scratch.take<float>(sums_size);
    SoftmaxState state;
    EdgeRows<Values> edge;
    for (int task; (task = next.fetch_add(1)) < tasks;) {
      const int h = task / panels, first_query = task % panels * kPanel;
      const int valid_queries = smaller(kPanel, problem.queries - first_query);
      pack_panel<Values>(row_of<In>(q, problem.heads, h, first_query), q.row, valid_queries, channels, queries);
      for (int i = 0; i < kPanel; ++i) state.reference[i] = state.sum[i] = 0;
      const LeftRows key_rows =
          pack_keys ? LeftRows{reinterpret_cast<const char*>(packed_k + h * per_head), padded * long{sizeof(Elem)}}
                    : LeftRows{reinterpret_cast<const char*>(row_of<In>(k, problem.heads, h, 0)),
                               k.row * long{sizeof(In)}};
      const Elem* values = pack_values ? packed_v + h * per_head
                                       : reinterpret_cast<const Elem*>(row_of<In>(v, problem.heads, h, 0));
      const long values_row = pack_values ? padded : v.row;

      for (int first = 0; first < problem.keys; first += kForwardKeys) {
        const int count = smaller(kForwardKeys, problem.keys - first);
        const auto weigh = [&] {
          for (int i = 0; i < kPanel; ++i) state.block_sum[i] = 0, state.block_largest[i] = -3.402823466e38F;
          int r = 0;
          for (; r + kTileKeys <= count; r += kTileKeys)
            weigh_tile<Values, false>(key_rows.from(first + r), queries, channels / kPair, factor, kTileKeys, state,
                                      weights + r / kPair * kPanel);
          if (r < count)
            weigh_tile<Values, true>(edge.copy(key_rows.from(first + r), count - r, channels), queries,
                                     channels / kPair, factor, count - r, state, weights + r / kPair * kPanel);
        };
        weigh();
        if (move_references(factor, first == 0, padded, state, sums)) weigh();
        for (int i = 0; i < kPanel; ++i) state.sum[i] += state.block_sum[i];
        product<Values, sizeof(Elem), kPanel * sizeof(Elem)>(
            kPanel, padded, reinterpret_cast<const char*>(weights), values + first / kPair * values_row, values_row,
            sums, padded, blocks_of(count, kPair), first > 0);
      }
      for (int i = 0; i < valid_queries; ++i) {
        store_row(row_of<In>(out, problem.heads, h, first_query + i), sums + i * padded, 1.F / state.sum[i], channels);
        logsumexp[static_cast<long>(h) * problem.queries + first_query + i] =
            (state.reference[i] + std::log2(state.sum[i])) * kLn2;
      }
    }
  });
  return true;
}

// In float32; bfloat16 is widened, and rounded once at the end.
inline bool attention_forward_widened(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v,
                                      Rows out, float* logsumexp) {
  return problem.bfloat16 ? attention_forward<WidenedValues>(problem, runtime, q, k, v, out, logsumexp)
                          : attention_forward<FloatValues>(problem, runtime, q, k, v, out, logsumexp);
}

}  // namespace
}  // namespace noether::kernels
