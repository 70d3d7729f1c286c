import { empty, scope, type Generator } from "../../torch";

/**
 * A seed from a generator (default: the default one), uniform over the non-negative int64 numbers, as PyTorch's loader and samplers
 * draw theirs.
 */
export function drawSeed(generator: Generator | null = null): bigint {
  return scope(() => (empty([], { dtype: "int64" }).random_({ generator }).dataSync() as BigInt64Array)[0]!);
}
