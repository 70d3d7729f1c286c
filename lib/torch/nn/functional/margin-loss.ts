/** Losses of margins, rankings and embeddings. All reduce by `reduction`: `"mean"` (default), `"sum"`, or `"none"`. */
import {
  callable,
  checkArgument,
  checkOptions,
  flag,
  nullable,
  oneOf,
  real,
  tensor,
  type Kind,
  type OptionKinds,
} from "../../arguments";
import * as operators from "../../operators.generated";
import type { Tensor } from "../../tensor";
import { type LossOptions, REDUCTION, reductionCode } from "./loss";

const aboveZero: Kind = {
  text: "a number above 0",
  accepts: (value) => typeof value === "number" && value > 0,
};

/** Checks what a loss was given; the operator's code of the reduction. */
function check(
  where: string,
  tensors: Readonly<Record<string, Tensor>>,
  options: LossOptions,
  kinds: OptionKinds,
  surplus: readonly unknown[],
): number {
  for (const name in tensors) checkArgument(where, name, tensors[name], tensor);
  checkOptions(where, options, { reduction: REDUCTION, ...kinds }, surplus);
  return reductionCode(where, options.reduction);
}

/** The mean or sum of a loss that has no operator. */
function reduce(loss: Tensor, code: number): Tensor {
  return code === 0 ? loss : code === 1 ? loss.mean() : loss.sum();
}

/** x for target 1, max(0, margin − x) for target −1 (default margin 1). */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { margin?: number } = {},
  ...surplus: never[]
): Tensor {
  const code = check("hingeEmbeddingLoss", { input, target }, options, { margin: real }, surplus);
  return operators.hingeEmbeddingLoss(input, target, options.margin ?? 1, code);
}

/** 1 − cos for target 1, max(0, cos − margin) for target −1 (default margin 0): (N, D), (N, D), (N). */
export function cosineEmbeddingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options: LossOptions & { margin?: number } = {},
  ...surplus: never[]
): Tensor {
  const code = check("cosineEmbeddingLoss", { input1, input2, target }, options, { margin: real }, surplus);
  return operators.cosineEmbeddingLoss(input1, input2, target, options.margin ?? 0, code);
}

/** max(0, −target·(input1 − input2) + margin) (default margin 0). */
export function marginRankingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options: LossOptions & { margin?: number } = {},
  ...surplus: never[]
): Tensor {
  const code = check("marginRankingLoss", { input1, input2, target }, options, { margin: real }, surplus);
  return operators.marginRankingLoss(input1, input2, target, options.margin ?? 0, code);
}

/** ln(1 + e^(−target·x)). */
export function softMarginLoss(input: Tensor, target: Tensor, options: LossOptions = {}, ...surplus: never[]): Tensor {
  return operators.softMarginLoss(input, target, check("softMarginLoss", { input, target }, options, {}, surplus));
}

/** Σ max(0, 1 − (x[y] − x[i])) / C over target classes y and other classes i; targets (N, C) end at −1. */
export function multilabelMarginLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions = {},
  ...surplus: never[]
): Tensor {
  const code = check("multilabelMarginLoss", { input, target }, options, {}, surplus);
  return operators.multilabelMarginLoss(input, target, code);
}

/** Mean over the classes of the cross entropy of each: logits (N, C), targets in [0, 1] (N, C). */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions & { weight?: Tensor | null } = {},
  ...surplus: never[]
): Tensor {
  const where = "multilabelSoftMarginLoss";
  const code = check(where, { input, target }, options, { weight: nullable(tensor) }, surplus);
  const { logSigmoid } = operators;
  const negative = target.neg().add(1).mul(logSigmoid(input.neg()));
  let loss = target.mul(logSigmoid(input)).add(negative).neg();
  if (options.weight) loss = loss.mul(options.weight);
  return reduce(loss.mean(-1), code);
}

/** Options of {@link multiMarginLoss}. */
export interface MultiMarginLossOptions extends LossOptions {
  /** Exponent, 1 (default) or 2. */
  p?: number;
  /** Default 1. */
  margin?: number;
  /** Weight per class: (C). */
  weight?: Tensor | null;
}

/** Σ max(0, margin − x[y] + x[i])ᵖ / C over the other classes i: (N, C) with class indices (N). */
export function multiMarginLoss(
  input: Tensor,
  target: Tensor,
  options: MultiMarginLossOptions = {},
  ...surplus: never[]
): Tensor {
  const kinds = { p: oneOf(1, 2), margin: real, weight: nullable(tensor) };
  const code = check("multiMarginLoss", { input, target }, options, kinds, surplus);
  return operators.multiMarginLoss(input, target, options.p ?? 1, options.margin ?? 1, options.weight ?? null, code);
}

/** Options of {@link tripletMarginLoss}. */
export interface TripletMarginLossOptions extends LossOptions {
  /** Default 1. */
  margin?: number;
  /** Order of the norm (default 2). */
  p?: number;
  /** Added to differences (default 1e-6). */
  eps?: number;
  /** Take the smaller of the negative's distances from anchor and positive (default false). */
  swap?: boolean;
}

/** max(0, |anchor − positive| − |anchor − negative| + margin). */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginLossOptions = {},
  ...surplus: never[]
): Tensor {
  const kinds = { margin: aboveZero, p: real, eps: real, swap: flag };
  const code = check("tripletMarginLoss", { anchor, positive, negative }, options, kinds, surplus);
  const { margin = 1, p = 2, eps = 1e-6, swap = false } = options;
  return operators.tripletMarginLoss(anchor, positive, negative, margin, p, eps, swap, code);
}

/** A distance between vectors, pair by pair. */
export type DistanceFunction = (x1: Tensor, x2: Tensor) => Tensor;

/** Options of {@link tripletMarginWithDistanceLoss}. */
export interface TripletMarginWithDistanceLossOptions extends LossOptions {
  /** Default: the Euclidean distance. */
  distanceFunction?: DistanceFunction | null;
  /** Default 1. */
  margin?: number;
  /** Take the smaller of the negative's distances from anchor and positive (default false). */
  swap?: boolean;
}

/** {@link tripletMarginLoss} with a distance of one's own. */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginWithDistanceLossOptions = {},
  ...surplus: never[]
): Tensor {
  const kinds = { distanceFunction: nullable(callable), margin: aboveZero, swap: flag };
  const code = check("tripletMarginWithDistanceLoss", { anchor, positive, negative }, options, kinds, surplus);
  const distance: DistanceFunction = options.distanceFunction ?? ((x1, x2) => operators.pairwiseDistance(x1, x2));
  const near = distance(anchor, positive);
  let far = distance(anchor, negative);
  if (options.swap) far = far.minimum(distance(positive, negative));
  return reduce(
    near
      .sub(far)
      .add(options.margin ?? 1)
      .clampMin(0),
    code,
  );
}
