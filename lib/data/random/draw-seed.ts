import { empty, scope } from "../../torch";

/** A seed from the default generator, uniform over the non-negative int64 numbers, as PyTorch's loader and samplers draw theirs. */
export function drawSeed(): bigint {
  return scope(() => (empty([], { dtype: "int64" }).random_().dataSync() as BigInt64Array)[0]!);
}
