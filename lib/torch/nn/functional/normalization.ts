import { batchNorm as batchNormOperator } from "../../operators.generated";
import { TorchError } from "../../errors";
import type { Tensor } from "../../tensor";

/**
 * Normalises each channel over batch and positions, (N, C, …) → the same, by the batch's statistics while `training`
 * (the running ones are then updated with weight `momentum`), else by the running ones.
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  training = false,
  momentum = 0.1,
  eps = 1e-5,
): Tensor {
  if (training && input.numel() / input.size(1) <= 1) {
    throw new TorchError(
      `batchNorm: expected more than 1 value per channel when training, got shape [${input.shape.join(", ")}]`,
    );
  }
  return batchNormOperator(input, weight, bias, runningMean, runningVar, training, momentum, eps, true);
}

/** Divides vectors along `dim` by their `p`-norm (at least `eps`). */
export function normalize(input: Tensor, p = 2, dim: number | readonly number[] = 1, eps = 1e-12): Tensor {
  const dims = typeof dim === "number" ? [dim] : dim;
  return input.div(input.norm(p, dims, true).clampMin(eps).expandAs(input));
}
