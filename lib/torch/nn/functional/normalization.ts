import { checkArgument, flag, nullable, eachDimension, integer, real, refuseSurplus, tensor } from "../../arguments";
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
  ...surplus: never[]
): Tensor {
  checkArgument("batchNorm", "input", input, tensor);
  for (const [name, value] of Object.entries({ runningMean, runningVar, weight, bias }))
    checkArgument("batchNorm", name, value, nullable(tensor));
  checkArgument("batchNorm", "training", training, flag);
  checkArgument("batchNorm", "momentum", momentum, real);
  checkArgument("batchNorm", "eps", eps, real);
  refuseSurplus("batchNorm", surplus);
  if (training && input.numel() / input.size(1) <= 1) {
    throw new TorchError(
      `batchNorm: expected more than 1 value per channel when training, got shape [${input.shape.join(", ")}]`,
    );
  }
  return batchNormOperator(input, weight, bias, runningMean, runningVar, training, momentum, eps, true);
}

/** Divides vectors along `dim` by their `p`-norm (at least `eps`). */
export function normalize(
  input: Tensor,
  p = 2,
  dim: number | readonly number[] = 1,
  eps = 1e-12,
  ...surplus: never[]
): Tensor {
  checkArgument("normalize", "input", input, tensor);
  checkArgument("normalize", "p", p, real);
  checkArgument("normalize", "dim", dim, eachDimension(integer));
  checkArgument("normalize", "eps", eps, real);
  refuseSurplus("normalize", surplus);
  const dims = typeof dim === "number" ? [dim] : dim;
  return input.div(input.norm(p, dims, true).clampMin(eps).expandAs(input));
}
