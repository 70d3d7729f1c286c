/**
 * Neighbour search between point clouds.
 *
 * Both searches are native, take O(N) time at fixed density on the CPU, and give the same edges on every device and with any number of
 * threads (`native/src/ops/neighbors/neighbors.h`).
 */
import { ops } from "../../torch";
import type { Tensor } from "../../torch";

/** Which sample each point belongs to; points of different samples never meet. */
export interface BatchVectors {
  /** (N,) int64, sample of each x; left out: all are of sample 0. */
  readonly batchX?: Tensor | null;
  /** (M,) int64, sample of each y; left out: all are of sample 0. */
  readonly batchY?: Tensor | null;
}

/**
 * All pairs of points at most `r` apart.
 *
 * @param x (N, P) points that are found
 * @param y (M, P) points that look for them
 * @param r distance in the units of the coordinates; pairs at exactly this distance count
 * @param options.maxNumNeighbors most neighbours of each y: those of the lowest index, not the nearest
 * @returns int64 (2, E): row 0 indexes y, ascending (samples one after the other), row 1 indexes x, ascending for each y
 * @throws TorchError when x is not floating point or shapes do not fit
 */
export function radius(
  x: Tensor,
  y: Tensor,
  r: number,
  options: BatchVectors & { maxNumNeighbors?: number | null } = {},
): Tensor {
  return ops.call("noether::radius", x, y, r, options.maxNumNeighbors, options.batchX, options.batchY) as Tensor;
}

/**
 * The `min(k, N)` nearest points of each y in its sample, nearest first; the lower index first where distances are equal.
 *
 * @param options.cosine measure `1 − cos(angle)` between position vectors instead of their distance
 * @returns int64 (2, E): row 0 indexes y, ascending (samples one after the other), row 1 indexes x
 * @throws TorchError when x is not floating point or shapes do not fit
 */
export function knn(x: Tensor, y: Tensor, k: number, options: BatchVectors & { cosine?: boolean } = {}): Tensor {
  // On the unit sphere the squared distance is twice the cosine distance: the order is the same.
  const [px, py] = options.cosine ? [unit(x), unit(y)] : [x, y];
  return ops.call("noether::knn", px, py, k, options.batchX, options.batchY) as Tensor;
}

/** Vectors of length one; zero stays zero. */
function unit(x: Tensor): Tensor {
  return x.div(x.norm(2, [-1], true).clamp(1e-12));
}
