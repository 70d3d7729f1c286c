import { native } from "../addon";
import { byPositionOrName, oneOf, positive, show, type Kind, type KindsOf } from "../arguments";
import { guard } from "../errors";
import { cat, split } from "../operators.generated";
import { scope, wrap } from "../scope";
import { Tensor } from "../tensor";
import { callFunction, checkFunction, type Randomness, type Transformable, withLevel } from "./levels";
import { broadcastPrefix, leavesOf, mapLeaves, type Tree, withLeaves } from "./trees";

/** Which dimension of each tensor is the batch: a number for all; null: the value is the same for the whole batch; or one for each argument, nested as these are. */
export type Dims = number | null | readonly Dims[] | { readonly [name: string]: Dims };

/** Options of {@link vmap}, which can also be given by position in this order. */
export interface VmapOptions {
  /** Default: 0 */
  readonly inDims?: Dims;
  /** Where the batch is in the results. Default: 0 */
  readonly outDims?: Dims;
  /** Of random operators inside: refused, the same for all entries, or different ones. Default: `"error"` */
  readonly randomness?: Randomness;
  /** At most so many entries at once; null: all of them. */
  readonly chunkSize?: number | null;
}

const dims: Kind = {
  text: "a dimension, null, or these nested as the arguments are",
  accepts: (value) => leavesOf(value).every((leaf) => leaf === null || Number.isInteger(leaf)),
};
const KINDS = {
  inDims: dims,
  outDims: dims,
  randomness: oneOf("error", "same", "different"),
  chunkSize: { ...positive, text: `${positive.text} or null`, accepts: (v) => v === null || positive.accepts(v) },
} satisfies KindsOf<VmapOptions>;

/**
 * A function of batches from a function of single entries: `torch.func.vmap`. Operators inside work on the whole batch at once.
 *
 * Inside, tensors lack the batch's dimension. What depends on their values in JavaScript (`item`, `toArray`, `if`) is an error, as is
 * an in-place change of a tensor without the batch by one with it. Kernels of this library give way to ATen's. `func` is synchronous.
 *
 * @param func takes and returns tensors, also in arrays and plain objects.
 * @throws TypeError for dimensions that do not go with the arguments.
 * @example
 * const perSample = vmap(grad(loss), { inDims: [null, 0, 0] })(params, x, y);
 */
export function vmap<F extends Transformable>(
  func: F,
  inDims?: Dims | VmapOptions,
  outDims?: Dims | VmapOptions,
  randomness?: Randomness | VmapOptions,
  options?: { readonly chunkSize?: number | null },
): (...args: Parameters<F>) => ReturnType<F>;
export function vmap(func: Transformable, ...given: unknown[]): Transformable {
  checkFunction("vmap", func);
  const options = byPositionOrName<VmapOptions>("vmap", KINDS, given);
  return (...args) => {
    const { inDims = 0, outDims = 0, randomness = "error", chunkSize = null } = options;
    const batch = readBatch(inDims, args);
    const run = (leaves: readonly unknown[], size: number): unknown =>
      runBatch(func, withLeaves(args, leaves) as unknown[], batch.dims, size, outDims, randomness);
    if (chunkSize === null || chunkSize >= batch.size) return run(batch.leaves, batch.size);
    return scope(() => inChunks(batch, chunkSize, outDims, run));
  };
}

interface Batch {
  readonly leaves: readonly unknown[];
  /** Of each leaf; null: it has no batch. */
  readonly dims: readonly (number | null)[];
  readonly size: number;
}

function readBatch(inDims: Dims, args: readonly unknown[]): Batch {
  if (args.length === 0) throw new TypeError("vmap: expected a function that is called with arguments, got none");
  const leaves = leavesOf(args);
  const given = broadcastPrefix(inDims, args);
  if (given === null)
    throw new TypeError(
      `vmap: expected inDims nested as the arguments, one entry for each of ${args.length}, got ${show(inDims)}`,
    );
  const found = leaves.map((leaf, index) => {
    const dim = given[index] as number | null;
    if (dim === null) return null;
    if (!(leaf instanceof Tensor))
      throw new TypeError(
        `vmap: expected a tensor where inDims says ${dim}, got ${show(leaf)}: write null in inDims for what has no batch`,
      );
    if (dim < -leaf.ndim || dim >= leaf.ndim)
      throw new TypeError(
        `vmap: expected inDims that a tensor with ${leaf.ndim} dimensions has, got ${dim}${leaf.ndim === 0 ? " for one without dimensions" : ""}`,
      );
    return dim < 0 ? dim + leaf.ndim : dim;
  });
  const sizes = leaves.flatMap((leaf, index) =>
    found[index] === null ? [] : [(leaf as Tensor).shape[found[index]!]!],
  );
  if (sizes.length === 0) throw new TypeError("vmap: expected inDims with a dimension for at least one argument");
  if (sizes.some((size) => size !== sizes[0]))
    throw new TypeError(`vmap: expected the same size of the batch in all tensors, got ${sizes.join(", ")}`);
  if (sizes[0] === 0) throw new TypeError("vmap: expected a batch of at least one entry, got 0");
  return { leaves, dims: found, size: sizes[0]! };
}

function runBatch(
  func: Transformable,
  args: readonly unknown[],
  inDims: readonly (number | null)[],
  size: number,
  outDims: Dims,
  randomness: Randomness,
): unknown {
  return withLevel(
    () => guard("vmap", () => native.pushTransform("vmap", size, randomness)),
    (level) => {
      const inside = mapLeaves(args, (leaf, index) => {
        const dim = inDims[index]!;
        return dim === null ? leaf : guard("vmap", () => wrap(native.addBatchDim((leaf as Tensor).handle, dim, level)));
      }) as unknown[];
      const result = callFunction("vmap", func, inside);
      const to = outDimsOf(outDims, result);
      return mapLeaves(result, (leaf, index) => unbatch(leaf, to[index]!, level, size));
    },
  );
}

/** Of each tensor of the result. */
function outDimsOf(outDims: Dims, result: Tree): (number | null)[] {
  const to = broadcastPrefix(outDims, result);
  if (to === null) throw new TypeError(`vmap: expected outDims nested as the result of func, got ${show(outDims)}`);
  return to as (number | null)[];
}

function unbatch(leaf: unknown, dim: number | null, level: number, size: number): Tensor {
  if (!(leaf instanceof Tensor)) throw new TypeError(`vmap: expected func to return tensors, got ${show(leaf)}`);
  // -1: as it is, which is refused for one that depends on the batch
  if (dim === null) return guard("vmap", () => wrap(native.removeBatchDim(leaf.handle, level, size, -1)));
  const at = dim < 0 ? dim + leaf.ndim + 1 : dim;
  if (at < 0 || at > leaf.ndim)
    throw new TypeError(`vmap: expected outDims between ${-leaf.ndim - 1} and ${leaf.ndim}, got ${dim}`);
  return guard("vmap", () => wrap(native.removeBatchDim(leaf.handle, level, size, at)));
}

/** One part of the batch after the other. */
function inChunks(
  { leaves, dims: inDims, size }: Batch,
  chunkSize: number,
  outDims: Dims,
  run: (leaves: readonly unknown[], size: number) => unknown,
): unknown {
  const parts = leaves.map((leaf, index) =>
    inDims[index] === null ? null : split(leaf as Tensor, chunkSize, inDims[index]!),
  );
  const results: unknown[] = [];
  for (let start = 0, chunk = 0; start < size; start += chunkSize, chunk++)
    results.push(
      run(
        leaves.map((leaf, index) => parts[index]?.[chunk] ?? leaf),
        Math.min(chunkSize, size - start),
      ),
    );
  const to = outDimsOf(outDims, results[0]);
  const lists = results.map(leavesOf) as Tensor[][];
  return mapLeaves(results[0], (leaf, index) =>
    to[index] === null
      ? leaf
      : cat(
          lists.map((list) => list[index]!),
          to[index]!,
        ),
  );
}
