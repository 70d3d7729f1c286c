#include "kernels/attention_amx.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

#include <atomic>
#include <cmath>
#include <cstring>

#include "kernels/instruction_sets.h"

#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of GCC's own AVX-512 header (GCC bug 105593)
#pragma GCC push_options
NOETHER_FOR_AVX512_BF16
#pragma GCC optimize("O3")

#include "kernels/attention_amx_blocks.h"
#include "kernels/parallel.h"

namespace noether::kernels {
namespace {

constexpr int kKeysPerUnit = 64;
constexpr int kQueriesPerTask = 64;
// Logits (in powers of two) within this bound need no maximum subtracted: neither weights nor their sums leave float32.
constexpr float kHarmless = 60;

// The largest squared norm of up to 32 tokens.
template <typename T>
inline float largest_square(const T* tokens, long stride, int valid) {
  float largest = 0;
  for (int r = 0; r < valid; ++r) {
    __m512 squares = _mm512_setzero_ps();
    for (int d = 0; d < 64; d += 16) {
      const __m512 x = load16(tokens + r * stride + d);
      squares = _mm512_fmadd_ps(x, x, squares);
    }
    const float square = _mm512_reduce_add_ps(squares);
    largest = square > largest ? square : largest;
  }
  return largest;
}

// Returns whether all results are finite.
template <typename T, int Planes>
bool forward_typed(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                   float* logsumexp) {
  constexpr int kDegree = Planes == 1 ? 3 : 5;
  constexpr int kUnitGroups = kKeysPerUnit / kGroup, kTaskGroups = kQueriesPerTask / kGroup;
  const int heads = problem.batch * problem.heads;
  const int key_groups = blocks_of(problem.keys, kKeysPerUnit) * kUnitGroups;
  const long plane = key_groups * kGroupBytes;
  const size_t bytes = static_cast<size_t>(heads) * 2 * Planes * plane;
  Arena arena{static_cast<char*>(runtime.allocate(
      bytes + static_cast<size_t>(heads) * key_groups * sizeof(float) + 1024, runtime.allocate_context))};
  char* packed_k = arena.take<char>(static_cast<size_t>(heads) * Planes * plane);  // row format
  char* packed_v = arena.take<char>(static_cast<size_t>(heads) * Planes * plane);  // V^T, row format
  float* key_squares = arena.take<float>(static_cast<size_t>(heads) * key_groups);

  const auto pack = [&](int thread) {
    const long total = static_cast<long>(heads) * key_groups;
    for (long i = total * thread / runtime.threads; i < total * (thread + 1) / runtime.threads; ++i) {
      const int h = static_cast<int>(i / key_groups), g = static_cast<int>(i % key_groups), row = g * kGroup;
      const int valid = larger(0, smaller(kGroup, problem.keys - row));
      const long at = static_cast<long>(h) * Planes * plane + g * kGroupBytes;
      const T* keys = row_of<T>(k, problem.heads, h, row);
      pack_group<T, Planes>(keys, k.row, valid, {packed_k + at, plane}, {}, {}, {});
      pack_group<T, Planes>(row_of<T>(v, problem.heads, h, row), v.row, valid, {}, {}, {}, {packed_v + at, plane});
      key_squares[i] = largest_square(keys, k.row, valid);
    }
  };
  parallel(runtime, pack);

  const int task_blocks = blocks_of(problem.queries, kQueriesPerTask), tasks = task_blocks * heads;
  const float factor = problem.scale * kLog2E;
  std::atomic<int> next{0};
  std::atomic<bool> finite{true};
  const auto attend = [&](int) {
    TileScope tiles;
    alignas(64) static thread_local char S[2][kUnitGroups][kGroupBytes];            // logits (keys x queries), float32
    alignas(64) static thread_local char P[2][Planes][kUnitGroups][2][kTileBytes];  // weights, pair format
    alignas(64) static thread_local char O[kTaskGroups][4][2][kTileBytes];          // O^T, float32
    alignas(64) static thread_local char Q[Planes][kTaskGroups][kGroupBytes];       // Q^T, pair format
    constexpr long kQPlane = kTaskGroups * kGroupBytes, kPPlane = kUnitGroups * 2 * kTileBytes;
    const __m512i order = interleaving();
    const __m512 c = _mm512_set1_ps(factor);
    __m512 maximum[kQueriesPerTask / 16], sum[kQueriesPerTask / 16];
    __m512 check = _mm512_setzero_ps();  // not a number once a result is infinite or not a number
    for (int task; (task = next.fetch_add(1)) < tasks;) {
      const int h = task / task_blocks, first = (task % task_blocks) * kQueriesPerTask;
      const int groups = smaller(kTaskGroups, blocks_of(problem.queries - first, kGroup));
      const char* key_rows = packed_k + static_cast<long>(h) * Planes * plane;
      const char* value_rows = packed_v + static_cast<long>(h) * Planes * plane;
      const int units = key_groups / kUnitGroups * groups;  // a unit: 64 keys against one group of queries
      float query_square = 0, key_square = 0;
      for (int g = 0; g < groups; ++g) {
        const int row = first + g * kGroup, valid = smaller(kGroup, problem.queries - row);
        const T* queries = row_of<T>(q, problem.heads, h, row);
        pack_group<T, Planes>(queries, q.row, valid, {}, {}, {Q[0][g], kQPlane}, {});
        query_square = std::fmax(query_square, largest_square(queries, q.row, valid));
        std::memset(O[g], 0, sizeof O[g]);
      }
      for (int g = 0; g < key_groups; ++g)
        key_square = std::fmax(key_square, key_squares[static_cast<long>(h) * key_groups + g]);
      for (int j = 0; j < 2 * groups; ++j) maximum[j] = sum[j] = _mm512_setzero_ps();

      const auto logits = [&](int u, const auto& chore) __attribute__((always_inline)) {
        for (int part = 0; part < kUnitGroups; ++part) {
          const Operand left{key_rows + (static_cast<long>(u / groups) * kUnitGroups + part) * kGroupBytes, 2048, 64,
                             128, plane};
          const Operand right{Q[0][u % groups], 2048, kTileBytes, 64, kQPlane};
          product_block<Planes, false>(left, right, 2, {S[u & 1][part], 2048, 64, 128}, chore);
        }
        float* s = reinterpret_cast<float*>(S[u & 1][0]);
        for (int r = larger(0, problem.keys - u / groups * kKeysPerUnit); r < kKeysPerUnit; ++r) {
          _mm512_store_ps(s + r * 32, _mm512_set1_ps(kMasked));
          _mm512_store_ps(s + r * 32 + 16, _mm512_set1_ps(kMasked));
        }
      };
      const auto add_values = [&](int u, const auto& chore) __attribute__((always_inline)) {
        const char* values = value_rows + static_cast<long>(u / groups) * kUnitGroups * kGroupBytes;
        const Operand weights{P[u & 1][0][0][0], kTileBytes, 2048, 64, kPPlane};
        for (int half = 0; half < 2; ++half) {
          product_block<Planes, true>({values + half * 2048, kTileBytes, kGroupBytes, 64, plane}, weights, kUnitGroups,
                                      {O[u % groups][2 * half][0], 2048, kTileBytes, 64}, chore);
        }
      };
      // |q k| is at most |q| |k|. Where that is no bound to rely on (or not a number), the largest logits are found
      // first.
      if (!(std::sqrt(query_square) * std::sqrt(key_square) * factor <= kHarmless)) {
        for (int j = 0; j < 2 * groups; ++j) maximum[j] = _mm512_set1_ps(kMasked);
        for (int u = 0; u < units; ++u) {
          logits(u, nothing);
          const float* s = reinterpret_cast<const float*>(S[u & 1][0]);
          __m512 &m0 = maximum[2 * (u % groups)], &m1 = maximum[2 * (u % groups) + 1];
          for (int r = 0; r < kKeysPerUnit; ++r) {
            m0 = _mm512_max_ps(m0, _mm512_mul_ps(_mm512_load_ps(s + r * 32), c));
            m1 = _mm512_max_ps(m1, _mm512_mul_ps(_mm512_load_ps(s + r * 32 + 16), c));
          }
        }
      }

      constexpr int kPieces = kKeysPerUnit / 2, kProducts = (Planes == 1 ? 1 : 6) * kUnitGroups * 4;
      logits(0, nothing);
      for (int u = 0; u < units; ++u) {
        const int g = u % groups;
        const float* s = reinterpret_cast<const float*>(S[u & 1][0]);
        char* p = P[u & 1][0][0][0];
        const __m512 m0 = maximum[2 * g], m1 = maximum[2 * g + 1];
        __m512 l0 = sum[2 * g], l1 = sum[2 * g + 1];
        // Weights of two keys: e to the logits.
        const auto weigh = [&](int piece) __attribute__((always_inline)) {
          const float *row = s + (piece / 16 * kGroup + first_of_pair<Planes>(piece % 16)) * 32,
                      *other = row + kPairDistance<Planes> * 32;
          char* pairs = p + (piece / 16) * 2 * kTileBytes + (piece % 16) * 64;
          const __m512 e00 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(row), c, m0));
          const __m512 e01 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(row + 16), c, m1));
          const __m512 e10 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(other), c, m0));
          const __m512 e11 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(other + 16), c, m1));
          l0 = _mm512_add_ps(l0, _mm512_add_ps(e00, e10));
          l1 = _mm512_add_ps(l1, _mm512_add_ps(e01, e11));
          store_pairs<Planes>(pairs, kPPlane, e00, e10, order);
          store_pairs<Planes>(pairs + kTileBytes, kPPlane, e01, e11, order);
        };
        int products = 0, pieces = 0;
        const int all_products = (u > 0 ? kProducts / 2 : 0) + (u + 1 < units ? kProducts / 2 : 0);
        const auto chore = [&]() __attribute__((always_inline)) {
          ++products;
          while (pieces * all_products < products * kPieces) weigh(pieces++);
        };
        if (u > 0) add_values(u - 1, chore);
        if (u + 1 < units) logits(u + 1, chore);
        while (pieces < kPieces) weigh(pieces++);
        sum[2 * g] = l0;
        sum[2 * g + 1] = l1;
      }
      add_values(units - 1, nothing);
      for (int g = 0; g < groups; ++g) {
        for (int j = 0; j < 2; ++j) {
          const int row = first + g * kGroup + j * 16, valid = smaller(16, problem.queries - row);
          alignas(64) float o[16][64], sums[16], maxima[16];
          _mm512_store_ps(sums, sum[2 * g + j]);
          _mm512_store_ps(maxima, maximum[2 * g + j]);
          for (int d = 0; d < 4; ++d) transpose16(O[g][d][j], 64, &o[0][d * 16], 256);
          for (int r = 0; r < valid; ++r) {
            const __m512 inverse = _mm512_set1_ps(1.F / sums[r]);
            T* target = row_of<T>(out, problem.heads, h, row + r);
            for (int d = 0; d < 64; d += 16) {
              const __m512 value = _mm512_mul_ps(inverse, _mm512_load_ps(&o[r][d]));
              check = _mm512_fmadd_ps(value, _mm512_setzero_ps(), check);
              store16(target + d, value);
            }
            logsumexp[static_cast<long>(h) * problem.queries + row + r] = (maxima[r] + std::log2(sums[r])) * kLn2;
          }
        }
      }
    }
    if (_mm512_cmp_ps_mask(check, check, _CMP_UNORD_Q) != 0) finite = false;
  };
  parallel(runtime, attend);
  return finite;
}

}  // namespace

bool attention_amx_forward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                           float* logsumexp) {
  if (!problem.bfloat16) return forward_typed<float, 3>(problem, runtime, q, k, v, out, logsumexp);
  forward_typed<Half, 1>(problem, runtime, q, k, v, out, logsumexp);
  return true;
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
