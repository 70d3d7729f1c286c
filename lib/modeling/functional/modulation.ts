/** Adaptive modulation of normalised activations and residuals (DiT, https://arxiv.org/abs/2212.09748). */
import type { Tensor } from "../../torch";

/** A per-sample vector (B, D) as (B, 1, D) when `x` has a token axis; (B, 1, D) is taken as it is. */
function overTokens(vector: Tensor, x: Tensor): Tensor {
  return x.ndim === 3 && vector.ndim === 2 ? vector.unsqueeze(1) : vector;
}

/** `x · (1 + scale) + shift` with `x` (B, N, D) or (B, D), `scale` and `shift` (B, D) or (B, 1, D). */
export function modulateScaleShift(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  return x.mul(overTokens(scale, x).add(1)).add(overTokens(shift, x));
}

/** `gate · x` with `x` (B, N, D) or (B, D), `gate` (B, D) or (B, 1, D). */
export function modulateGate(x: Tensor, gate: Tensor): Tensor {
  return overTokens(gate, x).mul(x);
}
