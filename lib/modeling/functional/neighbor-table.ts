/**
 * The neighbour searches of `geometric.ts` with a result of a size that is known ahead: as many places for each point as it may
 * have neighbours. Nothing waits for the device to learn the number of edges, so that it works ahead of the program, and a CUDA
 * graph can hold the search (`native/src/ops/neighbors`).
 */
import { ops } from "../../torch";
import type { Tensor } from "../../torch";
import type { BatchVectors } from "./geometric";

/** Neighbours of M points, in the order of the searches. */
export interface NeighborTable {
  /** (M, K) int64, index into x; 0 where there is no neighbour. */
  readonly index: Tensor;
  /** (M, K) bool, where there is one; null: everywhere. */
  readonly valid: Tensor | null;
}

/**
 * The neighbours that `radius` finds, `maxNumNeighbors` places for each y.
 *
 * @param x (N, P) points that are found
 * @param y (M, P) points that look for them
 */
export function radiusTable(
  x: Tensor,
  y: Tensor,
  r: number,
  { maxNumNeighbors, ...batches }: BatchVectors & { maxNumNeighbors: number },
): NeighborTable {
  const { batchX, batchY } = batches;
  const [index, valid] = ops.call("noether::radius_table", x, y, r, maxNumNeighbors, batchX, batchY) as [
    Tensor,
    Tensor,
  ];
  return { index, valid };
}

/** The neighbours that `knn` finds, `min(k, N)` places for each y. Arguments as there. */
export function knnTable(x: Tensor, y: Tensor, k: number, batches: BatchVectors = {}): NeighborTable {
  const { batchX, batchY } = batches;
  const [index, valid] = ops.call("noether::knn_table", x, y, k, batchX, batchY) as [Tensor, Tensor];
  if (batchX || batchY) return { index, valid };
  valid.dispose();
  return { index, valid: null };
}
