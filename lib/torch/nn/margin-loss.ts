/** Losses of margins, rankings and embeddings as modules. */
import { flag, nullable, oneOf, real, refuseSurplus, tensor, type Kind } from "../arguments";
import type { Tensor } from "../tensor";
import * as F from "./functional";
import type { LossOptions } from "./functional";
import { PairwiseDistance } from "./distance";
import { Loss } from "./loss";
import { Module } from "./module";

const DISTANCE: Kind = nullable({
  text: "a function or a module",
  accepts: (value) => typeof value === "function" || value instanceof Module,
});

/** x for target 1, max(0, margin − x) for target −1 (default margin 1). */
export class HingeEmbeddingLoss extends Loss {
  readonly margin: number;

  constructor(options: LossOptions & { margin?: number } = {}, ...surplus: never[]) {
    super(options, { margin: real }, surplus);
    this.margin = options.margin ?? 1;
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("HingeEmbeddingLoss.forward", surplus);
    const { margin, reduction } = this;
    return F.hingeEmbeddingLoss(input, target, { margin, reduction });
  }
}

/** 1 − cos for target 1, max(0, cos − margin) for target −1 (default margin 0): (N, D), (N, D), (N). */
export class CosineEmbeddingLoss extends Loss {
  readonly margin: number;

  constructor(options: LossOptions & { margin?: number } = {}, ...surplus: never[]) {
    super(options, { margin: real }, surplus);
    this.margin = options.margin ?? 0;
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("CosineEmbeddingLoss.forward", surplus);
    const { margin, reduction } = this;
    return F.cosineEmbeddingLoss(input1, input2, target, { margin, reduction });
  }
}

/** max(0, −target·(input1 − input2) + margin) (default margin 0). */
export class MarginRankingLoss extends Loss {
  readonly margin: number;

  constructor(options: LossOptions & { margin?: number } = {}, ...surplus: never[]) {
    super(options, { margin: real }, surplus);
    this.margin = options.margin ?? 0;
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("MarginRankingLoss.forward", surplus);
    const { margin, reduction } = this;
    return F.marginRankingLoss(input1, input2, target, { margin, reduction });
  }
}

/** ln(1 + e^(−target·x)). */
export class SoftMarginLoss extends Loss {
  constructor(options: LossOptions = {}, ...surplus: never[]) {
    super(options, {}, surplus);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("SoftMarginLoss.forward", surplus);
    const { reduction } = this;
    return F.softMarginLoss(input, target, { reduction });
  }
}

/** Hinge of several classes: (N, C) with targets (N, C) int64 that end at −1. */
export class MultiLabelMarginLoss extends Loss {
  constructor(options: LossOptions = {}, ...surplus: never[]) {
    super(options, {}, surplus);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("MultiLabelMarginLoss.forward", surplus);
    const { reduction } = this;
    return F.multilabelMarginLoss(input, target, { reduction });
  }
}

/** Mean over the classes of the cross entropy of each: logits (N, C), targets in [0, 1] (N, C). */
export class MultiLabelSoftMarginLoss extends Loss {
  declare weight: Tensor | null;

  constructor(options: LossOptions & { weight?: Tensor | null } = {}, ...surplus: never[]) {
    super(options, { weight: nullable(tensor) }, surplus);
    this.registerBuffer("weight", options.weight ?? null);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("MultiLabelSoftMarginLoss.forward", surplus);
    const { weight, reduction } = this;
    return F.multilabelSoftMarginLoss(input, target, { weight, reduction });
  }
}

/** Hinge of one class against the others: (N, C) with class indices (N). */
export class MultiMarginLoss extends Loss {
  readonly p: number;
  readonly margin: number;
  declare weight: Tensor | null;

  constructor(options: F.MultiMarginLossOptions = {}, ...surplus: never[]) {
    super(options, { p: oneOf(1, 2), margin: real, weight: nullable(tensor) }, surplus);
    this.p = options.p ?? 1;
    this.margin = options.margin ?? 1;
    this.registerBuffer("weight", options.weight ?? null);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("MultiMarginLoss.forward", surplus);
    const { p, margin, weight, reduction } = this;
    return F.multiMarginLoss(input, target, { p, margin, weight, reduction });
  }
}

/** max(0, |anchor − positive| − |anchor − negative| + margin). */
export class TripletMarginLoss extends Loss {
  readonly margin: number;
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;

  constructor(options: F.TripletMarginLossOptions = {}, ...surplus: never[]) {
    super(options, { margin: real, p: real, eps: real, swap: flag }, surplus);
    this.margin = options.margin ?? 1;
    this.p = options.p ?? 2;
    this.eps = options.eps ?? 1e-6;
    this.swap = options.swap ?? false;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("TripletMarginLoss.forward", surplus);
    const { margin, p, eps, swap, reduction } = this;
    return F.tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction });
  }
}

/** {@link TripletMarginLoss} with a distance of one's own, a function or a module; default {@link PairwiseDistance}. */
export class TripletMarginWithDistanceLoss extends Loss {
  readonly distanceFunction: F.DistanceFunction | Module;
  readonly margin: number;
  readonly swap: boolean;

  constructor(
    options: LossOptions & {
      distanceFunction?: F.DistanceFunction | Module | null;
      margin?: number;
      swap?: boolean;
    } = {},
    ...surplus: never[]
  ) {
    super(options, { distanceFunction: DISTANCE, margin: real, swap: flag }, surplus);
    this.distanceFunction = options.distanceFunction ?? new PairwiseDistance();
    this.margin = options.margin ?? 1;
    this.swap = options.swap ?? false;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("TripletMarginWithDistanceLoss.forward", surplus);
    const { distanceFunction: distance, margin, swap, reduction } = this;
    const distanceFunction: F.DistanceFunction =
      typeof distance === "function" ? distance : (x1, x2) => distance.forward(x1, x2) as Tensor;
    return F.tripletMarginWithDistanceLoss(anchor, positive, negative, { distanceFunction, margin, swap, reduction });
  }
}
