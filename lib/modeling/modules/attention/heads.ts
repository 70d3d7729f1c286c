/** Splitting channels into heads and merging them again; views wherever the memory layout allows. */
import { isGradEnabled, nn, ops } from "../../../torch";
import type { Tensor } from "../../../torch";

/** (B, N, parts · D) → `parts` views (B, H, N, d). */
export function splitHeads(x: Tensor, parts: number, numHeads: number): Tensor[] {
  return x.unflatten(-1, [parts, numHeads, -1]).permute([2, 0, 3, 1, 4]).unbind(0);
}

/**
 * Values beside rotated keys: a copy where gradients are recorded. Attention keeps them for the backward pass, and as views they would keep
 * the projections of keys and queries, which nothing needs once they are rotated.
 */
export function ofItsOwn(values: Tensor): Tensor {
  return values.requiresGrad && isGradEnabled() ? values.clone() : values;
}

/** (B, H, N, d) → (B, N, D); no copy when `x` comes from attention. */
export function mergeHeads(x: Tensor): Tensor {
  return x.transpose(1, 2).flatten(2);
}

/**
 * `softmax(q kᵀ / √d + mask) v`: q (B, H, N, d), k and v (B, H, M, d) → (B, H, N, d).
 *
 * Without mask and dropout it is a native operator (`native/src/ops/attention.cpp`), which is faster than ATen's where the CPU has a tile unit.
 *
 * @param options.attnMask boolean, true = attend, or a float that is added to the logits
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: { attnMask?: Tensor | null; dropout?: number } = {},
): Tensor {
  const { attnMask, dropout } = options;
  if (!attnMask && !dropout) return ops.call("noether::attention", q, k, v) as Tensor;
  return nn.functional.scaledDotProductAttention(q, k, v, { attnMask, dropoutP: dropout });
}
