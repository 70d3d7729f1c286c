import {
  byPositionOrName,
  checkArgument,
  checkOptions,
  flag,
  nullable,
  eachDimension,
  integer,
  positive,
  real,
  tensor,
  type KindsOf,
} from "../../arguments";
import {
  avgPool2d,
  avgPool3d,
  batchNorm as batchNormOperator,
  constantPadNd,
  div,
  instanceNorm as instanceNormOperator,
} from "../../operators.generated";
import { TorchError } from "../../errors";
import type { Tensor } from "../../tensor";

/** The arguments of {@link batchNorm} that have a default. */
export interface BatchNormOptions {
  /** (C) */
  weight?: Tensor | null;
  /** (C) */
  bias?: Tensor | null;
  /** Normalise by the batch's statistics, not by the running ones (default false). */
  training?: boolean;
  /** Weight of the newest statistics in the running ones (default 0.1). */
  momentum?: number;
  /** Added to the variance (default 1e-5). */
  eps?: number;
}

const BATCH_NORM = {
  weight: nullable(tensor),
  bias: nullable(tensor),
  training: flag,
  momentum: real,
  eps: real,
} satisfies KindsOf<BatchNormOptions>;

/**
 * Normalises each channel over batch and positions, (N, C, …) → the same, by the batch's statistics while `training`
 * (the running ones are then updated with weight `momentum`), else by the running ones.
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight?: Tensor | null,
  bias?: Tensor | null,
  training?: boolean,
  momentum?: number,
  eps?: number,
): Tensor;
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  options: BatchNormOptions,
): Tensor;
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  ...given: unknown[]
): Tensor {
  checkArgument("batchNorm", "input", input, tensor);
  checkArgument("batchNorm", "runningMean", runningMean, nullable(tensor));
  checkArgument("batchNorm", "runningVar", runningVar, nullable(tensor));
  const options = byPositionOrName<BatchNormOptions>("batchNorm", BATCH_NORM, given);
  const { weight = null, bias = null, training = false, momentum = 0.1, eps = 1e-5 } = options;
  // one value per channel: (1, C), (1, C, 1), …
  if (training && input.shape.every((length, dim) => dim === 1 || length === 1)) {
    throw new TorchError(
      `batchNorm: expected more than 1 value per channel when training, got shape [${input.shape.join(", ")}]`,
    );
  }
  return batchNormOperator(input, weight, bias, runningMean, runningVar, training, momentum, eps, true);
}

/** The arguments of {@link normalize} that have a default. */
export interface NormalizeOptions {
  /** Order of the norm (default 2). */
  p?: number;
  /** Along which dimensions vectors lie (default 1). */
  dim?: number | readonly number[];
  /** The least that is divided by (default 1e-12). */
  eps?: number;
  /** Where the result goes. */
  out?: Tensor | null;
}

const NORMALIZE = {
  p: real,
  dim: eachDimension(integer),
  eps: real,
  out: nullable(tensor),
} satisfies KindsOf<NormalizeOptions>;

/** Divides vectors along `dim` by their `p`-norm (at least `eps`). */
export function normalize(input: Tensor, p?: number, dim?: number | readonly number[], eps?: number): Tensor;
export function normalize(input: Tensor, options: NormalizeOptions): Tensor;
export function normalize(input: Tensor, ...given: unknown[]): Tensor {
  checkArgument("normalize", "input", input, tensor);
  const { p = 2, dim = 1, eps = 1e-12, out } = byPositionOrName<NormalizeOptions>("normalize", NORMALIZE, given);
  const dims = typeof dim === "number" ? [dim] : dim;
  const length = input.norm(p, dims, true);
  if (out) return div(input, length.clampMin_(eps).expandAs(input), { out });
  return input.div(length.clampMin(eps).expandAs(input));
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
  const sides = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
  const mean =
    input.ndim === 3
      ? avgPool2d(constantPadNd(input.square().unsqueeze(1), [0, 0, ...sides]), [size, 1], 1).squeeze(1)
      : avgPool3d(
          constantPadNd(input.square().reshape([samples, 1, channels, input.size(2), -1]), [0, 0, 0, 0, ...sides]), // (N, 1, C, positions along the first, along the rest)
          [size, 1, 1],
          1,
        ).reshape(input.shape);
  return input.div(mean.mul(alpha).add(k).pow(beta));
}
