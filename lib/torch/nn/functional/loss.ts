/** Losses. All take (input, target) and reduce by `reduction`: `"mean"` (default), `"sum"`, or `"none"` (entry by entry). */
import {
  NO_OPTIONS,
  checkArgument,
  checkOptions,
  integer,
  nullable,
  oneOf,
  real,
  tensor,
  text,
  type OptionKinds,
  type KindsOf,
} from "../../arguments";
import * as operators from "../../operators.generated";
import { TorchError } from "../../errors";
import { Tensor } from "../../tensor";

/** How a loss is reduced to one number. */
export type Reduction = "none" | "mean" | "sum";

/** The option that all losses share. */
export interface LossOptions {
  reduction?: Reduction;
}

/** Options of the losses that compare numbers entry by entry. */
export interface WeightedLossOptions extends LossOptions {
  /** Weight per entry, of the input's shape. The mean of squared and absolute differences divides by the sum of the weights. */
  weight?: Tensor | null;
}

/** The kind of a reduction. */
export const REDUCTION = oneOf("none", "mean", "sum");

const LOSS = { reduction: text } satisfies KindsOf<LossOptions>;
const WEIGHTED = { ...LOSS, weight: nullable(tensor) } satisfies KindsOf<WeightedLossOptions>;
const SMOOTH_L1 = { ...LOSS, beta: real };
const HUBER = { ...WEIGHTED, delta: real };
const NLL = { ...WEIGHTED, ignoreIndex: integer };
const CROSS_ENTROPY = { ...NLL, labelSmoothing: real } satisfies KindsOf<CrossEntropyOptions>;
const WITH_LOGITS = { ...WEIGHTED, posWeight: nullable(tensor) };

const REDUCTION_CODES: ReadonlyMap<string, number> = new Map([
  ["none", 0],
  ["mean", 1],
  ["sum", 2],
]);

/** Checks what a loss was given; the operator's code of the reduction. */
function check(
  loss: string,
  input: Tensor,
  target: Tensor,
  options: LossOptions,
  kinds: OptionKinds,
  surplus: readonly unknown[],
): number {
  if (!(input instanceof Tensor && target instanceof Tensor)) {
    checkArgument(loss, "input", input, tensor);
    checkArgument(loss, "target", target, tensor);
  }
  checkOptions(loss, options, kinds, surplus);
  return reductionCode(loss, options.reduction);
}

/** The operators' code of a reduction. */
export function reductionCode(loss: string, reduction: Reduction = "mean"): number {
  const value = REDUCTION_CODES.get(reduction);
  if (value === undefined)
    throw new TorchError(`${loss}: expected a reduction "none", "mean" or "sum", got "${reduction}"`);
  return value;
}

/** Squared difference. */
export function mseLoss(
  input: Tensor,
  target: Tensor,
  options: WeightedLossOptions = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("mseLoss", input, target, options, WEIGHTED, surplus);
  warnOfBroadcast("mseLoss", input, target);
  const { weight } = options;
  return weight === undefined || weight === null
    ? operators.mseLoss(input, target, reduction)
    : weightedMean(weigh("mseLoss", operators.mseLoss(input, target, 0), input, weight), weight, reduction);
}

/** Absolute difference. */
export function l1Loss(
  input: Tensor,
  target: Tensor,
  options: WeightedLossOptions = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("l1Loss", input, target, options, WEIGHTED, surplus);
  warnOfBroadcast("l1Loss", input, target);
  const { weight } = options;
  return weight === undefined || weight === null
    ? operators.l1Loss(input, target, reduction)
    : weightedMean(weigh("l1Loss", operators.l1Loss(input, target, 0), input, weight), weight, reduction);
}

/** Quadratic below `beta` (½·d²/beta), linear above (d − ½·beta). */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { beta?: number } = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("smoothL1Loss", input, target, options, SMOOTH_L1, surplus);
  const { beta = 1 } = options;
  warnOfBroadcast("smoothL1Loss", input, target);
  return beta === 0
    ? operators.l1Loss(input, target, reduction)
    : operators.smoothL1Loss(input, target, reduction, beta);
}

/** Quadratic below `delta` (½·d²), linear above (delta·(d − ½·delta)). With `weight`, the mean divides by the number of entries. */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  options: WeightedLossOptions & { delta?: number } = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("huberLoss", input, target, options, HUBER, surplus);
  warnOfBroadcast("huberLoss", input, target);
  const { weight, delta = 1 } = options;
  if (weight === undefined || weight === null) return operators.huberLoss(input, target, reduction, delta);
  const weighted = weigh("huberLoss", operators.huberLoss(input, target, 0, delta), input, weight);
  return reduction === 0 ? weighted : reduction === 1 ? weighted.mean() : weighted.sum();
}

function weigh(loss: string, errors: Tensor, input: Tensor, weight: Tensor): Tensor {
  if (weight.shape.join() !== input.shape.join()) {
    throw new TorchError(
      `${loss}: expected a weight of the input's shape [${input.shape.join(", ")}], got [${weight.shape.join(", ")}]`,
    );
  }
  return errors.mul(weight);
}

function weightedMean(weighted: Tensor, weight: Tensor, reduction: number): Tensor {
  if (reduction === 0) return weighted;
  return reduction === 1 ? weighted.sum().div(weight.sum()) : weighted.sum();
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends LossOptions {
  /** Weight per class: (C). */
  weight?: Tensor | null;
  /** Target class that is left out (default -100). */
  ignoreIndex?: number;
  /** Share of the target spread over all classes (default 0). */
  labelSmoothing?: number;
}

/** Cross entropy of logits (N, C, …) with class indices (N, …) int64, or with class probabilities of the input's shape. */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  options: CrossEntropyOptions = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("crossEntropy", input, target, options, CROSS_ENTROPY, surplus);
  const { weight = null, ignoreIndex = -100, labelSmoothing = 0 } = options;
  return operators.crossEntropyLoss(input, target, weight, reduction, ignoreIndex, labelSmoothing);
}

/** Negative log-likelihood of log-probabilities (N, C, …) with class indices (N, …) int64. */
export function nllLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { weight?: Tensor | null; ignoreIndex?: number } = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("nllLoss", input, target, options, NLL, surplus);
  return operators.nllLossNd(input, target, options.weight ?? null, reduction, options.ignoreIndex ?? -100);
}

/** Cross entropy of probabilities with targets in [0, 1]. */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { weight?: Tensor | null } = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("binaryCrossEntropy", input, target, options, WEIGHTED, surplus);
  return operators.binaryCrossEntropy(input, target, options.weight ?? null, reduction);
}

/** Cross entropy of logits with targets in [0, 1]; stable where the sigmoid saturates. */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { weight?: Tensor | null; posWeight?: Tensor | null } = NO_OPTIONS,
  ...surplus: never[]
): Tensor {
  const reduction = check("binaryCrossEntropyWithLogits", input, target, options, WITH_LOGITS, surplus);
  const { weight = null, posWeight = null } = options;
  return operators.binaryCrossEntropyWithLogits(input, target, weight, posWeight, reduction);
}

/** (N, 1) against (N) broadcasts to (N, N): legal, and nearly always a mistake, so PyTorch warns and so do we. */
function warnOfBroadcast(loss: string, input: Tensor, target: Tensor): void {
  const [left, right] = [input.shape, target.shape];
  if (left.length === right.length && left.every((size, d) => size === right[d])) return;
  process.emitWarning(
    `${loss}: the target's shape [${right.join(", ")}] differs from the input's [${left.join(", ")}]; they are broadcast`,
    "TorchWarning",
  );
}
