// Neighbour search on a tree of boxes.
//
// The points are sorted along a space-filling curve. 32 of them that follow each other are a leaf, 32 leaves a node,
// and so on: a warp looks at the 32 children of a node at once, one a lane. Each warp answers one query. Nothing
// depends on the order of threads, and distances round as on the CPU (`ops/neighbors`), so that edges are equal bit for
// bit.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace noether::cuda {

constexpr int kTreeLevels =
    3;                        // leaves, nodes of 32 leaves, nodes of 1024; these last ones are read one after the other
constexpr int kTreeAxes = 3;  // coordinates that boxes have; more are compared in full

// Memory of the caller, filled by build_tree.
template <typename T>
struct PointTree {
  int64_t count;  // of points, below 2^31 - 64
  int dims;
  int64_t nodes[kTreeLevels];
  T* points;                     // (leaves, dims, 32)
  int32_t* index;                // (leaves, 32), of each point in x
  T* boxes[kTreeLevels];         // (6, nodes): low ends along the axes, then high ends
  int32_t* lowest[kTreeLevels];  // (nodes), the lowest index in each
  const int64_t* samples;  // (count), of each point in the order of the tree, ascending; null: all are of sample 0
};

// Points that look for others.
template <typename T>
struct Queries {
  const T* points;         // (count, dims)
  const int64_t* order;    // (count), the order of the result; null: as they stand
  const int64_t* samples;  // (count), of each as they stand; null: all are of sample 0
  int64_t count;
};

// The box around all finite coordinates, into 6 numbers that are zero before, in a form of its own for sort_codes.
template <typename T>
cudaError_t bounds(const T* x, int64_t count, int dims, unsigned long long* result, cudaStream_t stream);

// Places along the curve.
template <typename T>
cudaError_t sort_codes(const T* x, int64_t count, int dims, const unsigned long long* bounds, int64_t* codes,
                       cudaStream_t stream);

// Fills the tree from x (count, dims) in an order; null: as they stand.
template <typename T>
cudaError_t build_tree(const T* x, const int64_t* order, const PointTree<T>& tree, cudaStream_t stream);

// counts[i] = min(kept, points within r of query i in the order of the result).
template <typename T>
cudaError_t radius_counts(const PointTree<T>& tree, const Queries<T>& queries, T r, int64_t kept, int64_t* counts,
                          cudaStream_t stream);

// `ends` are the inclusive sums of the counts; `expected` is the largest of them where that is known.
template <typename T>
cudaError_t radius_edges(const PointTree<T>& tree, const Queries<T>& queries, T r, int64_t expected,
                         const int64_t* ends, int64_t* rows, int64_t* columns, cudaStream_t stream);

// counts[i] = min(k, points of the sample of query i).
template <typename T>
cudaError_t knn_counts(const PointTree<T>& tree, const Queries<T>& queries, int64_t k, int64_t* counts,
                       cudaStream_t stream);

// `ends` as above; null: k <= tree.count for each query.
template <typename T>
cudaError_t knn_edges(const PointTree<T>& tree, const Queries<T>& queries, int64_t k, const int64_t* ends,
                      int64_t* rows, int64_t* columns, cudaStream_t stream);

// Neighbours in places of a number that is known ahead: index (queries, places), 0 where there is none, and whether
// there is one, where `valid` is not null. Queries as they stand.
template <typename T>
cudaError_t radius_table(const PointTree<T>& tree, const Queries<T>& queries, T r, int64_t places, int64_t* index,
                         bool* valid, cudaStream_t stream);
template <typename T>
cudaError_t knn_table(const PointTree<T>& tree, const Queries<T>& queries, int64_t places, int64_t* index, bool* valid,
                      cudaStream_t stream);

}  // namespace noether::cuda
