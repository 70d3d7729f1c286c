/** Adaptive modulation of normalised activations and residuals (DiT, https://arxiv.org/abs/2212.09748). */
import { isGradEnabled, nn, ops } from "../../torch";
import type { Tensor } from "../../torch";

/** A per-sample vector (B, D) as (B, 1, D) when `x` has a token axis; (B, 1, D) is taken as it is. */
function overTokens(vector: Tensor, x: Tensor): Tensor {
  return x.ndim === 3 && vector.ndim === 2 ? vector.unsqueeze(1) : vector;
}

/**
 * `x · (1 + scale) + shift` with `x` (B, N, D) or (B, D), `scale` and `shift` (B, D) or (B, 1, D). Where no gradients are recorded it is
 * one pass over `x`.
 */
export function modulateScaleShift(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const [factor, offset] = [overTokens(scale, x).add(1), overTokens(shift, x)];
  return isGradEnabled() ? x.mul(factor).add(offset) : offset.addcmul(x, factor);
}

/**
 * `norm(x) · (1 + scale) + shift`, shapes as in {@link modulateScaleShift}. Of a norm without weights it is one operator on CUDA, forward and
 * backward (`native/src/ops/modulated_norm.cpp`), and on the CPU for one sample without gradients, whose scale and shift are the norm's.
 */
export function modulatedNorm(norm: nn.LayerNorm, x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const plain =
    !norm.weight &&
    norm.normalizedShape.length === 1 &&
    norm.normalizedShape[0] === x.size(-1) &&
    norm.forward === nn.LayerNorm.prototype.forward; // neither hooks nor a class of someone's own
  if (plain && x.device.startsWith("cuda"))
    return ops.call("noether::modulated_layer_norm", x, scale, shift, norm.eps) as Tensor;
  const [width] = norm.normalizedShape;
  if (!plain || isGradEnabled() || scale.numel() !== width || scale.dtype !== x.dtype)
    return modulateScaleShift(norm.forward(x), scale, shift);
  return nn.functional.layerNorm(x, [width], scale.reshape([-1]).add(1), shift.reshape([-1]), norm.eps); // (D,) each
}

/** `gate · x` with `x` (B, N, D) or (B, D), `gate` (B, D) or (B, 1, D). */
export function modulateGate(x: Tensor, gate: Tensor): Tensor {
  return overTokens(gate, x).mul(x);
}

/** `x + gate · y` with `x` and `y` (B, N, D) or (B, D), `gate` (B, D) or (B, 1, D); without gradients in one pass. */
export function addGated(x: Tensor, y: Tensor, gate: Tensor): Tensor {
  return isGradEnabled() ? x.add(modulateGate(y, gate)) : x.addcmul(overTokens(gate, y), y);
}
