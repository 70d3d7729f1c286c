/** Losses. All take (input, target) and reduce by `reduction`: `"mean"` (default), `"sum"`, or `"none"` (entry by entry). */
import * as operators from "../../operators.generated";
import { TorchError } from "../../errors";
import type { Tensor } from "../../tensor";

/** How a loss is reduced to one number. */
export type Reduction = "none" | "mean" | "sum";

/** The option that all losses share. */
export interface LossOptions {
  reduction?: Reduction;
}

const REDUCTION_CODES: Readonly<Record<string, number>> = { none: 0, mean: 1, sum: 2 };

function code(loss: string, reduction: Reduction = "mean"): number {
  const value = REDUCTION_CODES[reduction];
  if (value === undefined)
    throw new TorchError(`${loss}: expected a reduction "none", "mean" or "sum", got "${reduction}"`);
  return value;
}

/** Squared difference. */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  warnOfBroadcast("mseLoss", input, target);
  return operators.mseLoss(input, target, code("mseLoss", options.reduction));
}

/** Absolute difference. */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  warnOfBroadcast("l1Loss", input, target);
  return operators.l1Loss(input, target, code("l1Loss", options.reduction));
}

/** Quadratic below `beta` (½·d²/beta), linear above (d − ½·beta). */
export function smoothL1Loss(input: Tensor, target: Tensor, options: LossOptions & { beta?: number } = {}): Tensor {
  const { beta = 1 } = options;
  warnOfBroadcast("smoothL1Loss", input, target);
  const reduction = code("smoothL1Loss", options.reduction);
  return beta === 0
    ? operators.l1Loss(input, target, reduction)
    : operators.smoothL1Loss(input, target, reduction, beta);
}

/** Quadratic below `delta` (½·d²), linear above (delta·(d − ½·delta)). */
export function huberLoss(input: Tensor, target: Tensor, options: LossOptions & { delta?: number } = {}): Tensor {
  warnOfBroadcast("huberLoss", input, target);
  return operators.huberLoss(input, target, code("huberLoss", options.reduction), options.delta ?? 1);
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
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { weight = null, ignoreIndex = -100, labelSmoothing = 0 } = options;
  return operators.crossEntropyLoss(
    input,
    target,
    weight,
    code("crossEntropy", options.reduction),
    ignoreIndex,
    labelSmoothing,
  );
}

/** Negative log-likelihood of log-probabilities (N, C) with class indices (N) int64. */
export function nllLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { weight?: Tensor | null; ignoreIndex?: number } = {},
): Tensor {
  return operators.nllLoss(
    input,
    target,
    options.weight ?? null,
    code("nllLoss", options.reduction),
    options.ignoreIndex ?? -100,
  );
}

/** Cross entropy of probabilities with targets in [0, 1]. */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { weight?: Tensor | null } = {},
): Tensor {
  return operators.binaryCrossEntropy(
    input,
    target,
    options.weight ?? null,
    code("binaryCrossEntropy", options.reduction),
  );
}

/** Cross entropy of logits with targets in [0, 1]; stable where the sigmoid saturates. */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { weight?: Tensor | null; posWeight?: Tensor | null } = {},
): Tensor {
  const reduction = code("binaryCrossEntropyWithLogits", options.reduction);
  return operators.binaryCrossEntropyWithLogits(
    input,
    target,
    options.weight ?? null,
    options.posWeight ?? null,
    reduction,
  );
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
