import { ops, type Tensor } from "../../torch";

/**
 * Sums or means over segments of equal length, in one operator (`native/src/ops/pool_segments.cpp`): with a kernel of its own on CUDA,
 * where equal inputs give equal bits.
 *
 * @param values (S·K, D), K rows for each of S segments.
 * @param places K.
 * @param options `valid`, (S, K) bool: which rows count; null: all. `mean`: divide by the number of rows that count.
 * @returns (S, D), zero where no row counts; under autocast float32.
 */
export function poolSegments(
  values: Tensor,
  places: number,
  { valid = null, mean = false }: { readonly valid?: Tensor | null; readonly mean?: boolean } = {},
): Tensor {
  return ops.call("noether::pool_segments", values, valid, places, mean) as Tensor;
}
