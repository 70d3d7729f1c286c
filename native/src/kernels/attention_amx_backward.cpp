#include "kernels/attention_amx.h"

#ifdef NOETHER_X86_KERNELS

#include <immintrin.h>

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

constexpr int kKeyBlock = 256;
constexpr int kQueryBlock = 256;
constexpr int kSumGroups = 4;  // groups of queries that one product of dV and dK sums over

template <typename T, int Planes>
void backward_typed(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                    Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v) {
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

void attention_amx_backward(const AttentionProblem& problem, const Runtime& runtime, Rows q, Rows k, Rows v, Rows out,
                            Rows grad_out, const float* logsumexp, Rows grad_q, Rows grad_k, Rows grad_v) {
  if (problem.bfloat16)
    backward_typed<Half, 1>(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
  else
    backward_typed<float, 3>(problem, runtime, q, k, v, out, grad_out, logsumexp, grad_q, grad_k, grad_v);
}

}  // namespace noether::kernels

#pragma GCC pop_options

#endif
