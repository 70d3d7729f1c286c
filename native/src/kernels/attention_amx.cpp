#include "kernels/attention_amx.h"

#ifdef NOETHER_AMX

#include <immintrin.h>

#include <atomic>
#include <cmath>
#include <cstring>

// Everything below is compiled for this instruction set; it runs only where available() says so.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of GCC's own AVX-512 header (GCC bug 105593)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2")
#pragma GCC optimize("O3")

#include "kernels/amx_tiles.h"

namespace noether::amx {
namespace {

// ---- vocabulary
//
// One algorithm in transposed orientation, rows = keys, columns = queries, so that softmax statistics are vertical and
// nothing is transposed in the inner loops:
//   S^T = K Q^T,  O^T = V^T P^T;   backward: dP^T = V dO^T,  dV = P^T dO,  dK = dS^T Q,  dQ^T = K^T dS^T.
// A group is 32 tokens, 64 channels: 4 tiles, 4096 bytes a plane.

constexpr int kGroup = 32;          // tokens
constexpr long kGroupBytes = 4096;  // of one plane
constexpr float kLog2E = 1.44269504088896341F;
constexpr float kLn2 = 0.693147180559945F;
constexpr float kMasked = -1e30F;  // logit of a key that is padding
constexpr float kPadding =
    1e30F;  // logsumexp of a query that is padding: its weights vanish, and nothing becomes inf * 0

inline int blocks_of(int count, int size) {
  return (count + size - 1) / size;
}
inline int smaller(int a, int b) {
  return a < b ? a : b;
}
inline int larger(int a, int b) {
  return a > b ? a : b;
}

template <typename T>
inline T* row_of(const Rows& rows, int heads, int head, int row) {
  return static_cast<T*>(rows.data) + (head / heads) * rows.batch + (head % heads) * rows.head + row * rows.row;
}

// Where tiles of one operand lie: bytes between tiles along the outer dimension and along the sum, between rows,
// between planes.
struct Operand {
  const char* data;
  long outer;
  long inner;
  long row;
  long plane;
};

// A 2 x 2 block of float32 result tiles.
struct Result {
  char* data;
  long vertical;
  long horizontal;
  long row;
};

const auto nothing = [] {};

// result = left right, or result += left right, over `depth` tiles. Of three planes, products of total order below
// three are summed. Vector work waits behind products that were issued before it, so what is to run beside them is done
// piece by piece in `chore`.
template <int Planes, bool Add, typename Chore>
inline __attribute__((always_inline)) void product_block(Operand left, Operand right, int depth, Result result,
                                                         const Chore& chore) {
  constexpr int kProducts = Planes == 1 ? 1 : 6;
  constexpr int kLeft[] = {Planes == 1 ? 0 : 2, 1, 1, 0, 0, 0}, kRight[] = {0, 0, 1, 1, 2, 0};
  if constexpr (Add) {
    TILE_LOAD(0, result.data, result.row);
    TILE_LOAD(1, result.data + result.horizontal, result.row);
    TILE_LOAD(2, result.data + result.vertical, result.row);
    TILE_LOAD(3, result.data + result.vertical + result.horizontal, result.row);
  } else {
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
  }
  for (int k = 0; k < depth; ++k) {
#pragma GCC unroll 6
    for (int p = 0; p < kProducts; ++p) {
      const char* a = left.data + k * left.inner + kLeft[p] * left.plane;
      const char* b = right.data + k * right.inner + kRight[p] * right.plane;
      if (p == 0 || kLeft[p] != kLeft[p - 1]) {
        TILE_LOAD(4, a, left.row);
        TILE_LOAD(5, a + left.outer, left.row);
      }
      if (p == 0 || kRight[p] != kRight[p - 1]) {
        TILE_LOAD(6, b, right.row);
        TILE_LOAD(7, b + right.outer, right.row);
      }
      TILE_PRODUCT(0, 4, 6);
      TILE_PRODUCT(1, 4, 7);
      TILE_PRODUCT(2, 5, 6);
      TILE_PRODUCT(3, 5, 7);
      chore();
    }
  }
  TILE_STORE(0, result.data, result.row);
  TILE_STORE(1, result.data + result.horizontal, result.row);
  TILE_STORE(2, result.data + result.vertical, result.row);
  TILE_STORE(3, result.data + result.vertical + result.horizontal, result.row);
}

// ---- packing

// A place for one packed form of a group; null: not wanted.
struct Packed {
  char* data = nullptr;
  long plane = 0;
};

// Packs up to 32 tokens X (tokens x 64), zero where there are fewer:
//   rows         X in row format, 32 rows of 64 words
//   pairs        X in pair format, 4 tiles of 16 channels
//   transposed   X^T in pair format, 2 tiles of tokens x 2 of channels
//   turned_rows  X^T in row format, 4 tiles of 16 channels
template <typename T, int Planes>
void pack_group(const T* source, long stride, int valid, Packed rows, Packed pairs, Packed transposed,
                Packed turned_rows) {
  alignas(64) Half row_scratch[Planes][32][64];
  alignas(64) Half pair_scratch[Planes][2048];
  if (!rows.data && transposed.data) rows = {reinterpret_cast<char*>(row_scratch), kGroupBytes};
  if (!pairs.data && turned_rows.data) pairs = {reinterpret_cast<char*>(pair_scratch), kGroupBytes};
  const __m512i order = interleaving();
  for (int pair = 0; pair < 16; ++pair) {
    const int row[] = {first_of_pair<Planes>(pair), first_of_pair<Planes>(pair) + kPairDistance<Planes>};
    __m512 x[2][4];
    for (int u = 0; u < 2; ++u) {
      for (int j = 0; j < 4; ++j)
        x[u][j] = row[u] < valid ? load16(source + row[u] * stride + j * 16) : _mm512_setzero_ps();
    }
    if (rows.data) {
      for (int u = 0; u < 2; ++u) {
        store_row<Planes>(rows.data + row[u] * 128, rows.plane, x[u][0], x[u][1]);
        store_row<Planes>(rows.data + row[u] * 128 + 64, rows.plane, x[u][2], x[u][3]);
      }
    }
    if (pairs.data) {
      for (int j = 0; j < 4; ++j)
        store_pairs<Planes>(pairs.data + j * kTileBytes + pair * 64, pairs.plane, x[0][j], x[1][j], order);
    }
  }
  for (int p = 0; p < Planes; ++p) {
    if (transposed.data) {
      for (int t = 0; t < 2; ++t) {
        for (int c = 0; c < 2; ++c) {
          transpose16(rows.data + p * rows.plane + t * 16 * 128 + c * 64, 128,
                      transposed.data + p * transposed.plane + (t * 2 + c) * kTileBytes, 64);
        }
      }
    }
    if (turned_rows.data) {
      for (int j = 0; j < 4; ++j) {
        transpose16(pairs.data + p * pairs.plane + j * kTileBytes, 64,
                    turned_rows.data + p * turned_rows.plane + j * kTileBytes, 64);
      }
    }
  }
}

// ---- forward

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
bool forward_typed(const Problem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out, float* logsumexp) {
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

// ---- backward

constexpr int kKeyBlock = 256;
constexpr int kQueryBlock = 256;
constexpr int kSumGroups = 4;  // groups of queries that one product of dV and dK sums over

template <typename T, int Planes>
void backward_typed(const Problem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out, Rows grad_out,
                    const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v) {
  constexpr int kDegree = Planes == 1 ? 3 : 5;
  const int heads = problem.batch * problem.heads, threads = runtime.threads;
  const int query_groups = blocks_of(problem.queries, kGroup), key_groups = blocks_of(problem.keys, kGroup);
  const long plane = query_groups * kGroupBytes;
  const size_t packed = static_cast<size_t>(heads) * Planes * plane;

  // Key groups of all heads are split evenly over the threads. Each thread has a dQ^T of its own for every head that it
  // touches.
  const long units = static_cast<long>(heads) * key_groups;
  const auto unit_begin = [&](int thread) { return units * thread / threads; };
  const auto slots_of = [&](int thread) {
    const long begin = unit_begin(thread), end = unit_begin(thread + 1);
    return end > begin ? static_cast<int>((end - 1) / key_groups - begin / key_groups + 1) : 0;
  };
  const auto first_slot = [&](int thread) {
    int slot = 0;
    for (int t = 0; t < thread; ++t) slot += slots_of(t);
    return slot;
  };
  const long slot_size = static_cast<long>(query_groups) * kGroup * 64;  // floats
  const int slots = first_slot(threads);

  constexpr int kKeyGroups = kKeyBlock / kGroup, kQueryGroups = kQueryBlock / kGroup;
  constexpr long kKPlane = kKeyGroups * kGroupBytes, kWeightPlane = static_cast<long>(kKeyBlock) * kQueryBlock * 2;
  constexpr size_t kLocal = 3 * Planes * kKPlane + 2 * kKeyBlock * 256 + 3 * Planes * kWeightPlane + 4096;
  const size_t rows_of_all = static_cast<size_t>(heads) * query_groups * kGroup;
  Arena arena{static_cast<char*>(runtime.allocate(
      4 * packed + 8 * rows_of_all + 4 * static_cast<size_t>(slots) * slot_size + threads * kLocal + (1 << 14),
      runtime.allocate_context))};
  char* q_transposed = arena.take<char>(packed);  // Q^T and dO^T in pair format, Q and dO in pair format
  char* q_pairs = arena.take<char>(packed);
  char* go_transposed = arena.take<char>(packed);
  char* go_pairs = arena.take<char>(packed);
  float* lse = arena.take<float>(rows_of_all);    // in powers of two
  float* delta = arena.take<float>(rows_of_all);  // sum of dO * O per query
  float* dq_slots = arena.take<float>(static_cast<size_t>(slots) * slot_size);
  char* local = arena.take<char>(threads * kLocal);

  const auto pack = [&](int thread) {
    const long total = static_cast<long>(heads) * query_groups;
    for (long i = total * thread / threads; i < total * (thread + 1) / threads; ++i) {
      const int h = static_cast<int>(i / query_groups), g = static_cast<int>(i % query_groups), row = g * kGroup;
      const int valid = smaller(kGroup, problem.queries - row);
      const long at = static_cast<long>(h) * Planes * plane + g * kGroupBytes;
      const T* go_rows = row_of<T>(grad_out, problem.heads, h, row);
      const T* out_rows = row_of<T>(out, problem.heads, h, row);
      pack_group<T, Planes>(row_of<T>(q, problem.heads, h, row), q.row, valid, {}, {q_pairs + at, plane},
                            {q_transposed + at, plane}, {});
      pack_group<T, Planes>(go_rows, grad_out.row, valid, {}, {go_pairs + at, plane}, {go_transposed + at, plane}, {});
      for (int r = 0; r < kGroup; ++r) {
        float dot = 0, base = kPadding;
        if (r < valid) {
          __m512 products = _mm512_setzero_ps();
          for (int d = 0; d < 64; d += 16) {
            products =
                _mm512_fmadd_ps(load16(go_rows + r * grad_out.row + d), load16(out_rows + r * out.row + d), products);
          }
          dot = _mm512_reduce_add_ps(products);
          base = logsumexp[static_cast<long>(h) * problem.queries + row + r] * kLog2E;
        }
        delta[i * kGroup + r] = dot;
        lse[i * kGroup + r] = base;
      }
    }
    std::memset(dq_slots + first_slot(thread) * slot_size, 0, static_cast<size_t>(slots_of(thread)) * slot_size * 4);
  };
  parallel(runtime, pack);

  const float factor = problem.scale * kLog2E;
  const auto differentiate = [&](int thread) {
    const long begin = unit_begin(thread), end = unit_begin(thread + 1);
    if (end <= begin) return;
    TileScope tiles;
    Arena own{local + thread * kLocal};
    char* k_rows = own.take<char>(Planes * kKPlane);    // K and V in row format
    char* k_turned = own.take<char>(Planes * kKPlane);  // K^T in row format
    char* v_rows = own.take<char>(Planes * kKPlane);
    char* dk = own.take<char>(kKeyBlock * 256);  // float32 tiles of 16 keys x 16 channels
    char* dv = own.take<char>(kKeyBlock * 256);
    char* weight_rows = own.take<char>(Planes * kWeightPlane);  // P^T and dS^T in row format, dS^T in pair format
    char* ds_rows = own.take<char>(Planes * kWeightPlane);
    char* ds_pairs = own.take<char>(Planes * kWeightPlane);
    alignas(64) static thread_local char S[2][kGroupBytes], D[2][kGroupBytes];
    const __m512 c = _mm512_set1_ps(factor);
    const __m512i order = interleaving();
    for (long unit = begin; unit < end;) {
      const int h = static_cast<int>(unit / key_groups), first_group = static_cast<int>(unit % key_groups);
      const int key_count = smaller(smaller(kKeyGroups, key_groups - first_group), static_cast<int>(end - unit));
      unit += key_count;
      for (int g = 0; g < key_count; ++g) {
        const int row = (first_group + g) * kGroup, valid = smaller(kGroup, problem.keys - row);
        pack_group<T, Planes>(row_of<T>(k, problem.heads, h, row), k.row, valid, {k_rows + g * kGroupBytes, kKPlane},
                              {}, {}, {k_turned + g * kGroupBytes, kKPlane});
        pack_group<T, Planes>(row_of<T>(v, problem.heads, h, row), v.row, valid, {v_rows + g * kGroupBytes, kKPlane},
                              {}, {}, {});
      }
      std::memset(dk, 0, kKeyBlock * 256);
      std::memset(dv, 0, kKeyBlock * 256);
      const long head_at = static_cast<long>(h) * Planes * plane;
      char* dq = reinterpret_cast<char*>(dq_slots +
                                         (first_slot(thread) + h - static_cast<int>(begin / key_groups)) * slot_size);
      for (int q0 = 0; q0 < query_groups; q0 += kQueryGroups) {
        const int query_count = smaller(kQueryGroups, query_groups - q0);
        const long at = head_at + q0 * kGroupBytes;
        const int blocks = key_count * query_count;
        const auto products = [&](int i, const auto& chore) __attribute__((always_inline)) {
          const int kg = i % key_count, qg = i / key_count;
          product_block<Planes, false>({k_rows + kg * kGroupBytes, 2048, 64, 128, kKPlane},
                                       {q_transposed + at + qg * kGroupBytes, 2048, kTileBytes, 64, plane}, 2,
                                       {S[i & 1], 2048, 64, 128}, chore);
          product_block<Planes, false>({v_rows + kg * kGroupBytes, 2048, 64, 128, kKPlane},
                                       {go_transposed + at + qg * kGroupBytes, 2048, kTileBytes, 64, plane}, 2,
                                       {D[i & 1], 2048, 64, 128}, chore);
          float* s = reinterpret_cast<float*>(S[i & 1]);
          for (int r = larger(0, problem.keys - (first_group + kg) * kGroup); r < kGroup; ++r) {
            _mm512_store_ps(s + r * 32, _mm512_set1_ps(kMasked));
            _mm512_store_ps(s + r * 32 + 16, _mm512_set1_ps(kMasked));
          }
        };
        products(0, nothing);
        for (int i = 0; i < blocks; ++i) {
          const int kg = i % key_count, qg = i / key_count;
          const float *s = reinterpret_cast<const float*>(S[i & 1]), *d = reinterpret_cast<const float*>(D[i & 1]);
          const long query_row = (static_cast<long>(h) * query_groups + q0 + qg) * kGroup;
          const __m512 L0 = _mm512_loadu_ps(lse + query_row), L1 = _mm512_loadu_ps(lse + query_row + 16);
          const __m512 D0 = _mm512_loadu_ps(delta + query_row), D1 = _mm512_loadu_ps(delta + query_row + 16);
          char* p_rows = weight_rows + (kg * 2 * kQueryGroups + qg) * kTileBytes;
          char* s_rows = ds_rows + (kg * 2 * kQueryGroups + qg) * kTileBytes;
          char* s_pairs = ds_pairs + (qg * 2 * kKeyGroups + kg) * kTileBytes;
          // Weights of two keys and their gradients.
          const auto weigh = [&](int pair) __attribute__((always_inline)) {
            const int r = first_of_pair<Planes>(pair), t = r + kPairDistance<Planes>;
            const auto offset = [&](int row) { return (row >> 4) * kQueryGroups * kTileBytes + (row & 15) * 64; };
            __m512 e00 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(s + r * 32), c, L0));
            __m512 e01 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(s + r * 32 + 16), c, L1));
            __m512 e10 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(s + t * 32), c, L0));
            __m512 e11 = exp2_16<kDegree>(_mm512_fmsub_ps(_mm512_load_ps(s + t * 32 + 16), c, L1));
            store_row<Planes>(p_rows + offset(r), kWeightPlane, e00, e01);
            store_row<Planes>(p_rows + offset(t), kWeightPlane, e10, e11);
            e00 = _mm512_mul_ps(e00, _mm512_sub_ps(_mm512_load_ps(d + r * 32), D0));
            e01 = _mm512_mul_ps(e01, _mm512_sub_ps(_mm512_load_ps(d + r * 32 + 16), D1));
            e10 = _mm512_mul_ps(e10, _mm512_sub_ps(_mm512_load_ps(d + t * 32), D0));
            e11 = _mm512_mul_ps(e11, _mm512_sub_ps(_mm512_load_ps(d + t * 32 + 16), D1));
            store_row<Planes>(s_rows + offset(r), kWeightPlane, e00, e01);
            store_row<Planes>(s_rows + offset(t), kWeightPlane, e10, e11);
            store_pairs<Planes>(s_pairs + pair * 64, kWeightPlane, e00, e10, order);
            store_pairs<Planes>(s_pairs + kKeyGroups * kTileBytes + pair * 64, kWeightPlane, e01, e11, order);
          };
          constexpr int kPieces = 16, kProducts = (Planes == 1 ? 1 : 6) * 4;
          int count = 0, pieces = 0;
          if (i + 1 < blocks) {
            products(i + 1, [&]() __attribute__((always_inline)) {
              ++count;
              while (pieces * kProducts < count * kPieces) weigh(pieces++);
            });
          }
          while (pieces < kPieces) weigh(pieces++);
        }
        // dV += P^T dO, dK += dS^T Q
        for (int part = 0; part < query_count; part += kSumGroups) {
          const int depth = smaller(kSumGroups, query_count - part);
          const auto accumulate = [&](const char* weights, const char* pairs,
                                      char* target) __attribute__((always_inline)) {
            for (int kg = 0; kg < key_count; ++kg) {
              for (int half = 0; half < 2; ++half) {
                product_block<Planes, true>(
                    {weights + kg * 2 * kQueryGroups * kTileBytes + part * kTileBytes, kQueryGroups * kTileBytes,
                     kTileBytes, 64, kWeightPlane},
                    {pairs + half * 2048 + part * kGroupBytes, kTileBytes, kGroupBytes, 64, plane}, depth,
                    {target + (kg * 8 + half * 2) * kTileBytes, 4096, kTileBytes, 64}, nothing);
              }
            }
          };
          accumulate(weight_rows, go_pairs + at, dv);
          accumulate(ds_rows, q_pairs + at, dk);
        }
        // dQ^T += K^T dS^T, tiles of 16 queries x 16 channels, transposed
        for (int qg = 0; qg < query_count; ++qg) {
          for (int half = 0; half < 2; ++half) {
            product_block<Planes, true>(
                {k_turned + half * 2048, kTileBytes, kGroupBytes, 64, kKPlane},
                {ds_pairs + qg * 2 * kKeyGroups * kTileBytes, kKeyGroups * kTileBytes, kTileBytes, 64, kWeightPlane},
                key_count, {dq + ((q0 + qg) * 8 + half * 2) * kTileBytes, kTileBytes, 4096, 64}, nothing);
          }
        }
      }
      const __m512 scale = _mm512_set1_ps(problem.scale);
      for (int r = 0; r < key_count * kGroup && first_group * kGroup + r < problem.keys; ++r) {
        T* dk_row = row_of<T>(grad_k, problem.heads, h, first_group * kGroup + r);
        T* dv_row = row_of<T>(grad_v, problem.heads, h, first_group * kGroup + r);
        for (int d = 0; d < 4; ++d) {
          const long tile = ((r >> 4) * 4 + d) * kTileBytes + (r & 15) * 64;
          store16(dk_row + d * 16, _mm512_mul_ps(_mm512_load_ps(reinterpret_cast<float*>(dk + tile)), scale));
          store16(dv_row + d * 16, _mm512_load_ps(reinterpret_cast<float*>(dv + tile)));
        }
      }
    }
  };
  parallel(runtime, differentiate);

  const auto reduce = [&](int thread) {
    const long total = static_cast<long>(heads) * query_groups * 2;  // half groups: 16 queries
    for (long i = total * thread / threads; i < total * (thread + 1) / threads; ++i) {
      const int h = static_cast<int>(i / (query_groups * 2)), part = static_cast<int>(i % (query_groups * 2));
      alignas(64) float sum[1024] = {}, o[16][64];
      for (int t = 0; t < threads; ++t) {
        const long begin = unit_begin(t), end = unit_begin(t + 1);
        if (end <= begin || h < begin / key_groups || h > (end - 1) / key_groups) continue;
        const float* slot = dq_slots + (first_slot(t) + h - begin / key_groups) * slot_size + part * 1024L;
        for (int j = 0; j < 1024; j += 16)
          _mm512_store_ps(sum + j, _mm512_add_ps(_mm512_load_ps(sum + j), _mm512_loadu_ps(slot + j)));
      }
      for (int d = 0; d < 4; ++d) transpose16(sum + d * 256, 64, &o[0][d * 16], 256);
      const __m512 scale = _mm512_set1_ps(problem.scale);
      for (int r = 0; r < 16 && part * 16 + r < problem.queries; ++r) {
        T* target = row_of<T>(grad_q, problem.heads, h, part * 16 + r);
        for (int d = 0; d < 64; d += 16) store16(target + d, _mm512_mul_ps(scale, _mm512_load_ps(&o[r][d])));
      }
    }
  };
  parallel(runtime, reduce);
}

}  // namespace

bool forward(const Problem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out, float* logsumexp) {
  if (!problem.bfloat16) return forward_typed<float, 3>(problem, runtime, q, k, v, out, logsumexp);
  forward_typed<Half, 1>(problem, runtime, q, k, v, out, logsumexp);
  return true;
}

void backward(const Problem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out, Rows grad_out,
              const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v) {
  if (problem.bfloat16)
    backward_typed<Half, 1>(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
  else
    backward_typed<float, 3>(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
}

}  // namespace noether::amx

#pragma GCC pop_options

#else

namespace noether::amx {

bool forward(const Problem&, const Runtime&, Rows, Rows, Rows, Rows, float*) {
  return false;
}
void backward(const Problem&, const Runtime&, Rows, Rows, Rows, Rows, Rows, const float*, Rows, Rows, Rows) {}

}  // namespace noether::amx

#endif
