import { Generator, randperm, scope, type Tensor } from "../../torch";

/**
 * Random permutation of 0 … n-1 as an int64 tensor `(n,)`: PyTorch's `randperm` on the CPU with a generator of its own,
 * so a seed gives the same order as in Python. Without a seed: the default generator.
 */
export function permutation(n: number, seed?: number | bigint | null): Tensor {
  if (seed === null || seed === undefined) return randperm(n);
  return randperm(n, { generator: new Generator().manualSeed(seed) });
}

/** Entries of an int64 index tensor as numbers; frees the tensor. */
export function permutationNumbers(indices: Tensor): number[] {
  const numbers = Array.from(indices.dataSync() as BigInt64Array, Number);
  indices.dispose();
  return numbers;
}

/** Random permutation of 0 … n-1 as an array; see {@link permutation}. */
export function randomOrder(n: number, seed?: number | bigint | null): number[] {
  return scope(() => permutationNumbers(permutation(n, seed)));
}
