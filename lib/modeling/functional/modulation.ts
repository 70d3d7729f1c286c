/** Adaptive modulation of normalised activations and residuals (DiT, https://arxiv.org/abs/2212.09748). */
import { nn, ops } from "../../torch";
import type { Tensor } from "../../torch";

/** A per-sample vector (B, D) as (B, 1, D) when `x` has a token axis; (B, 1, D) is taken as it is. */
function overTokens(vector: Tensor, x: Tensor): Tensor {
  return x.ndim === 3 && vector.ndim === 2 ? vector.unsqueeze(1) : vector;
}

/** `x · (1 + scale) + shift` with `x` (B, N, D) or (B, D), `scale` and `shift` (B, D) or (B, 1, D). */
export function modulateScaleShift(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  return x.mul(overTokens(scale, x).add(1)).add(overTokens(shift, x));
}

/**
 * `norm(x) · (1 + scale) + shift`, shapes as in {@link modulateScaleShift}. On CUDA a norm without weights is one operator with it, forward
 * and backward (`native/src/ops/modulated_norm.cpp`).
 */
export function modulatedNorm(norm: nn.LayerNorm, x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const plain =
    !norm.weight &&
    norm.normalizedShape.length === 1 &&
    norm.normalizedShape[0] === x.size(-1) &&
    norm.forward === nn.LayerNorm.prototype.forward; // neither hooks nor a class of someone's own
  if (!plain || !x.device.startsWith("cuda")) return modulateScaleShift(norm.forward(x), scale, shift);
  return ops.call("noether::modulated_layer_norm", x, scale, shift, norm.eps) as Tensor;
}

/** `gate · x` with `x` (B, N, D) or (B, D), `gate` (B, D) or (B, 1, D). */
export function modulateGate(x: Tensor, gate: Tensor): Tensor {
  return overTokens(gate, x).mul(x);
}
