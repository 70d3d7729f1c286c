/** Losses as modules: the functions of `nn.functional` with fixed options. All reduce by `reduction`: `"mean"` (default), `"sum"`, or `"none"`. */
import {
  checkOptions,
  flag,
  integer,
  nullable,
  oneOf,
  real,
  refuseSurplus,
  tensor,
  type OptionKinds,
} from "../arguments";
import type { Tensor } from "../tensor";
import * as F from "./functional";
import type { LossOptions, Reduction } from "./functional";
import { REDUCTION } from "./functional/loss";
import { Module } from "./module";

/** What losses have in common. */
export abstract class Loss extends Module {
  readonly reduction: Reduction;

  constructor(options: LossOptions, kinds: OptionKinds, surplus: readonly unknown[]) {
    super();
    checkOptions(this.constructor.name, options, { reduction: REDUCTION, ...kinds }, surplus);
    this.reduction = options.reduction ?? "mean";
  }
}

/** A loss with weights per class or entry; they are part of the state dict, as in PyTorch. */
abstract class WeightedLoss extends Loss {
  declare weight: Tensor | null;

  constructor(options: LossOptions & { weight?: Tensor | null }, kinds: OptionKinds, surplus: readonly unknown[]) {
    super(options, { weight: nullable(tensor), ...kinds }, surplus);
    this.registerBuffer("weight", options.weight ?? null);
  }
}

/** Absolute difference. */
export class L1Loss extends Loss {
  constructor(options: LossOptions = {}, ...surplus: never[]) {
    super(options, {}, surplus);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("L1Loss.forward", surplus);
    const { reduction } = this;
    return F.l1Loss(input, target, { reduction });
  }
}

/** Squared difference. */
export class MSELoss extends Loss {
  constructor(options: LossOptions = {}, ...surplus: never[]) {
    super(options, {}, surplus);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("MSELoss.forward", surplus);
    const { reduction } = this;
    return F.mseLoss(input, target, { reduction });
  }
}

/** Quadratic below `beta` (default 1), linear above. */
export class SmoothL1Loss extends Loss {
  readonly beta: number;

  constructor(options: LossOptions & { beta?: number } = {}, ...surplus: never[]) {
    super(options, { beta: real }, surplus);
    this.beta = options.beta ?? 1;
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("SmoothL1Loss.forward", surplus);
    const { beta, reduction } = this;
    return F.smoothL1Loss(input, target, { beta, reduction });
  }
}

/** Quadratic below `delta` (default 1), linear above. */
export class HuberLoss extends Loss {
  readonly delta: number;

  constructor(options: LossOptions & { delta?: number } = {}, ...surplus: never[]) {
    super(options, { delta: real }, surplus);
    this.delta = options.delta ?? 1;
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("HuberLoss.forward", surplus);
    const { delta, reduction } = this;
    return F.huberLoss(input, target, { delta, reduction });
  }
}

/** Cross entropy of logits (N, C, …) with class indices (N, …) int64, or with class probabilities of the input's shape. */
export class CrossEntropyLoss extends WeightedLoss {
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor(
    options: LossOptions & { weight?: Tensor | null } & { ignoreIndex?: number; labelSmoothing?: number } = {},
    ...surplus: never[]
  ) {
    super(options, { ignoreIndex: integer, labelSmoothing: real }, surplus);
    this.ignoreIndex = options.ignoreIndex ?? -100;
    this.labelSmoothing = options.labelSmoothing ?? 0;
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("CrossEntropyLoss.forward", surplus);
    const { weight, ignoreIndex, labelSmoothing, reduction } = this;
    return F.crossEntropy(input, target, { weight, ignoreIndex, labelSmoothing, reduction });
  }
}

/** Negative log-likelihood of log-probabilities (N, C, …) with class indices (N, …) int64. */
export class NLLLoss extends WeightedLoss {
  readonly ignoreIndex: number;

  constructor(options: LossOptions & { weight?: Tensor | null } & { ignoreIndex?: number } = {}, ...surplus: never[]) {
    super(options, { ignoreIndex: integer }, surplus);
    this.ignoreIndex = options.ignoreIndex ?? -100;
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("NLLLoss.forward", surplus);
    const { weight, ignoreIndex, reduction } = this;
    return F.nllLoss(input, target, { weight, ignoreIndex, reduction });
  }
}

/** The name of {@link NLLLoss} for images in old code. */
export class NLLLoss2d extends NLLLoss {}

/** Cross entropy of probabilities with targets in [0, 1]. */
export class BCELoss extends WeightedLoss {
  constructor(options: LossOptions & { weight?: Tensor | null } = {}, ...surplus: never[]) {
    super(options, {}, surplus);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("BCELoss.forward", surplus);
    const { weight, reduction } = this;
    return F.binaryCrossEntropy(input, target, { weight, reduction });
  }
}

/** Cross entropy of logits with targets in [0, 1]; stable where the sigmoid saturates. */
export class BCEWithLogitsLoss extends WeightedLoss {
  /** Factor of the positive targets, per class. */
  declare posWeight: Tensor | null;

  constructor(options: LossOptions & { weight?: Tensor | null; posWeight?: Tensor | null } = {}, ...surplus: never[]) {
    super(options, { posWeight: nullable(tensor) }, surplus);
    this.registerBuffer("posWeight", options.posWeight ?? null);
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("BCEWithLogitsLoss.forward", surplus);
    const { weight, posWeight, reduction } = this;
    return F.binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

/** Negative log-likelihood of counts under a Poisson distribution. */
export class PoissonNLLLoss extends Loss {
  readonly logInput: boolean;
  readonly full: boolean;
  readonly eps: number;

  constructor(options: F.PoissonNllLossOptions = {}, ...surplus: never[]) {
    super(options, { logInput: flag, full: flag, eps: real }, surplus);
    this.logInput = options.logInput ?? true;
    this.full = options.full ?? false;
    this.eps = options.eps ?? 1e-8;
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("PoissonNLLLoss.forward", surplus);
    const { logInput, full, eps, reduction } = this;
    return F.poissonNllLoss(input, target, { logInput, full, eps, reduction });
  }
}

/** Negative log-likelihood under normal distributions of mean `input` and the variance given. */
export class GaussianNLLLoss extends Loss {
  readonly full: boolean;
  readonly eps: number;

  constructor(options: F.GaussianNllLossOptions = {}, ...surplus: never[]) {
    super(options, { full: flag, eps: real }, surplus);
    this.full = options.full ?? false;
    this.eps = options.eps ?? 1e-6;
  }

  forward(input: Tensor, target: Tensor, variance: Tensor | number, ...surplus: never[]): Tensor {
    refuseSurplus("GaussianNLLLoss.forward", surplus);
    const { full, eps, reduction } = this;
    return F.gaussianNllLoss(input, target, variance, { full, eps, reduction });
  }
}

/** Kullback-Leibler divergence of log-probabilities; `reduction: "batchmean"` divides the sum by the first dimension. */
export class KLDivLoss extends Module {
  readonly reduction: NonNullable<F.KlDivOptions["reduction"]>;
  readonly logTarget: boolean;

  constructor(options: F.KlDivOptions = {}, ...surplus: never[]) {
    super();
    const kinds = { reduction: oneOf("none", "mean", "sum", "batchmean"), logTarget: flag };
    checkOptions("KLDivLoss", options, kinds, surplus);
    this.reduction = options.reduction ?? "mean";
    this.logTarget = options.logTarget ?? false;
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("KLDivLoss.forward", surplus);
    return F.klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}

/** Connectionist temporal classification: log-probabilities (T, N, C) against sequences of labels. */
export class CTCLoss extends Loss {
  readonly blank: number;
  readonly zeroInfinity: boolean;

  constructor(options: F.CtcLossOptions = {}, ...surplus: never[]) {
    super(options, { blank: integer, zeroInfinity: flag }, surplus);
    this.blank = options.blank ?? 0;
    this.zeroInfinity = options.zeroInfinity ?? false;
  }

  forward(
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | readonly number[],
    targetLengths: Tensor | readonly number[],
    ...surplus: never[]
  ): Tensor {
    refuseSurplus("CTCLoss.forward", surplus);
    const { blank, zeroInfinity, reduction } = this;
    return F.ctcLoss(logProbs, targets, inputLengths, targetLengths, { blank, zeroInfinity, reduction });
  }
}
