/**
 * The neighbour searches of `geometric.ts` with a result of a size that is known ahead: as many places for each point as it may
 * have neighbours. Nothing waits for the device to learn the number of edges, so that it works ahead of the program, and a CUDA
 * graph can hold the search.
 */
import { arange, cat, cdist, noGrad, where } from "../../torch";
import type { Tensor } from "../../torch";
import type { BatchVectors } from "./geometric";

/** Neighbours of M points, in the order of the searches. */
export interface NeighborTable {
  /** (M, K) int64, index into x; 0 where there is no neighbour. */
  readonly index: Tensor;
  /** (M, K) bool, where there is one; null: everywhere. */
  readonly valid: Tensor | null;
}

/** Most entries of a distance matrix that is held at a time. */
const BLOCK_ENTRIES = 2 ** 26;
/** cdist without the matrix product, whose rounding would move points over the boundary. */
const WITHOUT_MATRIX_PRODUCT = 2;

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
  const count = x.size(0);
  const places = Math.min(maxNumNeighbors, count);
  const order = arange(count, { dtype: "int64", device: x.device }); // (N,)
  return byBlock(x, y, batches, (distances, sameSample) => {
    const within = sameSample === null ? distances.le(r) : distances.le(r).logicalAnd(sameSample); // (m, N)
    // the lowest indices: all others are `count`
    const [lowest] = where(within, order, count).topk(places, -1, false, true); // (m, K)
    const valid = lowest.lt(count);
    return { index: lowest.where(valid, 0), valid };
  });
}

/** The neighbours that `knn` finds, `min(k, N)` places for each y. Arguments as there. */
export function knnTable(x: Tensor, y: Tensor, k: number, batches: BatchVectors = {}): NeighborTable {
  const places = Math.min(k, x.size(0));
  return byBlock(x, y, batches, (distances, sameSample) => {
    const own = sameSample === null ? distances : distances.where(sameSample, Infinity);
    // stable: the lower index first where distances are equal
    const [, nearest] = own.sort({ stable: true, dim: -1, descending: false });
    const index = nearest.narrow(-1, 0, places); // (m, K)
    if (sameSample === null) return { index, valid: null };
    const valid = sameSample.gather(-1, index);
    return { index: index.where(valid, 0), valid };
  });
}

/** Selects from each block of rows of the distances of y to x, and of whether both are of one sample. */
function byBlock(
  x: Tensor,
  y: Tensor,
  { batchX, batchY }: BatchVectors,
  select: (distances: Tensor, sameSample: Tensor | null) => NeighborTable,
): NeighborTable {
  return noGrad(() => {
    const [px, py] = [searched(x), searched(y)];
    const rows = Math.max(1, Math.floor(BLOCK_ENTRIES / Math.max(1, x.size(0))));
    const parts: NeighborTable[] = [];
    for (let first = 0; first === 0 || first < y.size(0); first += rows) {
      const length = Math.min(rows, y.size(0) - first);
      const distances = cdist(py.narrow(0, first, length), px, 2, WITHOUT_MATRIX_PRODUCT); // (m, N)
      const sameSample = batchX && batchY ? batchY.narrow(0, first, length).unsqueeze(1).eq(batchX.unsqueeze(0)) : null; // (m, N)
      parts.push(select(distances, sameSample));
    }
    if (parts.length === 1) return parts[0]!;
    const valid = parts.flatMap((part) => part.valid ?? []);
    return { index: cat(parts.map(({ index }) => index)), valid: valid.length > 0 ? cat(valid) : null };
  });
}

/** Half types are searched in float32, which holds them exactly. */
function searched(points: Tensor): Tensor {
  const isHalf = points.dtype === "float16" || points.dtype === "bfloat16";
  return isHalf ? points.detach().to("float32") : points.detach();
}
