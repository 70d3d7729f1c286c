import {
  checkArgument,
  checkOptions,
  flag,
  nullable,
  eachDimension,
  integer,
  positive,
  real,
  refuseSurplus,
  tensor,
} from "../../arguments";
import {
  avgPool3d,
  batchNorm as batchNormOperator,
  constantPadNd,
  instanceNorm as instanceNormOperator,
} from "../../operators.generated";
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
  if (training && input.numel() === input.size(1) && input.numel() > 0) {
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

/** Options of {@link instanceNorm}. */
export interface InstanceNormOptions {
  /** (C); updated while the input's own statistics are used. */
  runningMean?: Tensor | null;
  /** (C) */
  runningVar?: Tensor | null;
  /** (C) */
  weight?: Tensor | null;
  /** (C) */
  bias?: Tensor | null;
  /** Normalise by the input's statistics, not by the running ones (default true). */
  useInputStats?: boolean;
  /** Weight of the newest statistics in the running ones (default 0.1). */
  momentum?: number;
  /** Added to the variance (default 1e-5). */
  eps?: number;
}

/** Normalises each channel of each sample over its positions: (N, C, …) → the same. */
export function instanceNorm(input: Tensor, options: InstanceNormOptions = {}, ...surplus: never[]): Tensor {
  const each = nullable(tensor);
  const kinds = {
    runningMean: each,
    runningVar: each,
    weight: each,
    bias: each,
    useInputStats: flag,
    momentum: real,
    eps: real,
  };
  checkArgument("instanceNorm", "input", input, tensor);
  checkOptions("instanceNorm", options, kinds, surplus);
  const { runningMean = null, runningVar = null, weight = null, bias = null } = options;
  const { useInputStats = true, momentum = 0.1, eps = 1e-5 } = options;
  if (useInputStats && input.shape.slice(2).reduce((a, b) => a * b, 1) === 1)
    throw new TorchError(
      `instanceNorm: expected more than 1 position when training, got shape [${input.shape.join(", ")}]`,
    );
  return instanceNormOperator(input, weight, bias, runningMean, runningVar, useInputStats, momentum, eps, true);
}

/**
 * Divides by (k + alpha · mean of the squares of `size` neighbouring channels)^beta, (N, C, …) → the same.
 *
 * @param options defaults: alpha 1e-4, beta 0.75, k 1.
 */
export function localResponseNorm(
  input: Tensor,
  size: number,
  options: { alpha?: number; beta?: number; k?: number } = {},
  ...surplus: never[]
): Tensor {
  checkArgument("localResponseNorm", "input", input, tensor);
  checkArgument("localResponseNorm", "size", size, positive);
  checkOptions("localResponseNorm", options, { alpha: real, beta: real, k: real }, surplus);
  const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
  if (input.ndim < 3)
    throw new TorchError(
      `localResponseNorm: expected an input of 3 dimensions or more, got shape [${input.shape.join(", ")}]`,
    );
  if (input.numel() === 0) return input;
  const [samples, channels] = input.shape as [number, number];
  const squares = input.square().reshape([samples, 1, channels, 1, -1]); // (N, 1, C, 1, positions)
  const padded = constantPadNd(squares, [0, 0, 0, 0, Math.floor(size / 2), Math.floor((size - 1) / 2)]);
  const mean = avgPool3d(padded, [size, 1, 1], 1).reshape(input.shape);
  return input.div(mean.mul(alpha).add(k).pow(beta));
}
