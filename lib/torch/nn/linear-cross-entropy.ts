import {
  arrayOf,
  checkArgument,
  checkOptions,
  flag,
  integer,
  nullable,
  oneOf,
  positive,
  probability,
  refuseSurplus,
  tensor,
  type KindsOf,
} from "../arguments";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { factoryKinds, type FactoryOptions } from "./factory";
import { linearCrossEntropy } from "./functional/linear-cross-entropy";
import type { Reduction } from "./functional/loss";
import { Linear } from "./linear";
import { Module } from "./module";
import { floatRepr, pythonRepr } from "./repr";

/** Options of {@link LinearCrossEntropyLoss}. */
export interface LinearCrossEntropyLossOptions extends FactoryOptions {
  /** Sizes of further dimensions of the target, each entry with logits of its own (default none). */
  outFeatures?: readonly number[];
  /** Add a learned offset (default false). */
  bias?: boolean;
  /** `"mean"` (default), `"sum"` or `"none"`. */
  reduction?: Reduction;
  /** Weight per class: (C). */
  weight?: Tensor | null;
  /** Target class that is left out (default -100). */
  ignoreIndex?: number | null;
  /** Share of the target spread over all classes (default 0). */
  labelSmoothing?: number;
}

const OPTIONS = {
  outFeatures: arrayOf(positive),
  bias: flag,
  reduction: oneOf("none", "mean", "sum"),
  weight: nullable(tensor),
  ignoreIndex: nullable(integer),
  labelSmoothing: probability,
  ...factoryKinds,
} satisfies KindsOf<LinearCrossEntropyLossOptions>;

/** A linear layer and cross entropy of its outputs: input (N, inFeatures), target (N, …outFeatures) int64, or probabilities. */
export class LinearCrossEntropyLoss extends Module {
  readonly numClasses: number;
  readonly outFeatures: readonly number[];
  readonly reduction: Reduction;
  readonly ignoreIndex: number | null;
  readonly labelSmoothing: number;
  /** Weight per class, (C), or null. */
  declare weight: Tensor | null;
  readonly linear: Linear;

  constructor(
    inFeatures: number,
    numClasses: number,
    options: LinearCrossEntropyLossOptions = {},
    ...surplus: never[]
  ) {
    super();
    checkArgument("LinearCrossEntropyLoss", "inFeatures", inFeatures, positive);
    checkArgument("LinearCrossEntropyLoss", "numClasses", numClasses, positive);
    checkOptions("LinearCrossEntropyLoss", options, OPTIONS, surplus);
    const { outFeatures = [], bias = false, device, dtype, weight = null } = options;
    if (weight !== null && weight.shape.join() !== String(numClasses))
      throw new TorchError(
        `LinearCrossEntropyLoss: expected a weight of shape [${numClasses}], got [${weight.shape.join(", ")}]`,
      );
    this.registerBuffer("weight", weight);
    this.numClasses = numClasses;
    this.outFeatures = outFeatures;
    this.reduction = options.reduction ?? "mean";
    this.ignoreIndex = options.ignoreIndex ?? null;
    this.labelSmoothing = options.labelSmoothing ?? 0;
    const outputs = outFeatures.reduce((product, size) => product * size, numClasses);
    this.linear = new Linear(inFeatures, outputs, { bias, device, dtype });
  }

  forward(input: Tensor, target: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("LinearCrossEntropyLoss.forward", surplus);
    const { weight, bias, inFeatures } = this.linear;
    const outputs = [this.numClasses, ...this.outFeatures];
    return linearCrossEntropy(input, weight.reshape([...outputs, inFeatures]), target, {
      linearBias: bias?.reshape(outputs),
      weight: this.weight,
      reduction: this.reduction,
      ignoreIndex: this.ignoreIndex ?? undefined,
      labelSmoothing: this.labelSmoothing,
    });
  }

  protected override extraRepr(): string {
    const { linear, numClasses, outFeatures, reduction, ignoreIndex, labelSmoothing } = this;
    return (
      `in_features=${linear.inFeatures}, num_classes=${numClasses}, out_features=${pythonRepr(outFeatures)}, ` +
      `bias=${pythonRepr(linear.bias !== null)}, reduction=${reduction}, ignore_index=${pythonRepr(ignoreIndex)}, ` +
      `label_smoothing=${floatRepr(labelSmoothing)}, options=None`
    );
  }
}
