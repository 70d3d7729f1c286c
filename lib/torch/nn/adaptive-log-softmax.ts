import { arrayOf, checkArgument, checkOptions, flag, positive, real, refuseSurplus, type KindsOf } from "../arguments";
import { TorchError } from "../errors";
import { cat, logSoftmax } from "../operators.generated";
import type { Tensor } from "../tensor";
import { ModuleList, Sequential } from "./containers";
import { type FactoryOptions, factoryKinds } from "./factory";
import { Linear } from "./linear";
import { Module } from "./module";

/** Options of {@link AdaptiveLogSoftmaxWithLoss}. */
export interface AdaptiveLogSoftmaxOptions extends FactoryOptions {
  /** Each cluster's features are this much fewer than the last one's (default 4). */
  divValue?: number;
  /** Add a learned offset to the head (default false). */
  headBias?: boolean;
}
const OPTIONS = { divValue: real, headBias: flag, ...factoryKinds } satisfies KindsOf<AdaptiveLogSoftmaxOptions>;

/** A softmax over many classes, frequent ones first: rare ones stand in clusters with fewer features. Grave et al. 2016, arXiv 1609.04309. */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  readonly inFeatures: number;
  readonly nClasses: number;
  /** Where clusters begin, and the number of classes at the end. */
  readonly cutoffs: readonly number[];
  readonly divValue: number;
  readonly headBias: boolean;
  readonly shortlistSize: number;
  readonly nClusters: number;
  readonly headSize: number;
  readonly head: Linear;
  readonly tail: ModuleList<Sequential>;

  /** @param cutoffs the first class of each cluster, ascending. */
  constructor(
    inFeatures: number,
    nClasses: number,
    cutoffs: readonly number[],
    options: AdaptiveLogSoftmaxOptions = {},
    ...surplus: never[]
  ) {
    super();
    const name = "AdaptiveLogSoftmaxWithLoss";
    checkArgument(name, "inFeatures", inFeatures, positive);
    checkArgument(name, "nClasses", nClasses, positive);
    checkArgument(name, "cutoffs", cutoffs, arrayOf(positive));
    checkOptions(name, options, OPTIONS, surplus);
    const ascending = cutoffs.every((cutoff, i) => i === 0 || cutoff > cutoffs[i - 1]!);
    if (cutoffs.length === 0 || !ascending || cutoffs.at(-1)! > nClasses - 1)
      throw new TorchError(
        `${name}: expected ascending cutoffs between 1 and nClasses − 1 = ${nClasses - 1}, got [${cutoffs.join(", ")}]`,
      );
    const { divValue = 4, headBias = false, device, dtype } = options;
    this.inFeatures = inFeatures;
    this.nClasses = nClasses;
    this.cutoffs = [...cutoffs, nClasses];
    this.divValue = divValue;
    this.headBias = headBias;
    this.shortlistSize = this.cutoffs[0]!;
    this.nClusters = this.cutoffs.length - 1;
    this.headSize = this.shortlistSize + this.nClusters;
    this.head = new Linear(inFeatures, this.headSize, { bias: headBias, device, dtype });
    this.tail = new ModuleList(
      Array.from({ length: this.nClusters }, (_, i) => {
        const features = Math.floor(inFeatures / divValue ** (i + 1));
        const classes = this.cutoffs[i + 1]! - this.cutoffs[i]!;
        return new Sequential(
          new Linear(inFeatures, features, { bias: false, device, dtype }),
          new Linear(features, classes, { bias: false, device, dtype }),
        );
      }),
    );
  }

  /** Draws all weights again. */
  resetParameters(): void {
    this.head.resetParameters();
    for (const cluster of this.tail) for (const layer of cluster) (layer as Linear).resetParameters();
  }

  /**
   * (N, inFeatures) with class indices (N), or (inFeatures) with one.
   *
   * @returns the log-probability of each target (N), and the negative of their mean.
   */
  forward(input: Tensor, target: Tensor, ...surplus: never[]): { output: Tensor; loss: Tensor } {
    refuseSurplus("AdaptiveLogSoftmaxWithLoss.forward", surplus);
    const batched = target.ndim > 0;
    if (input.ndim !== target.ndim + 1 || (batched && input.size(0) !== target.size(0)))
      throw new TorchError(
        `AdaptiveLogSoftmaxWithLoss.forward: expected inputs (N, inFeatures) and targets (N), got [${input.shape.join(", ")}] and [${target.shape.join(", ")}]`,
      );
    const [x, y] = batched ? [input, target] : [input.unsqueeze(0), target.unsqueeze(0)];
    const outside = y.lt(0).logicalOr(y.ge(this.nClasses));
    if (outside.any().item())
      throw new TorchError(
        `AdaptiveLogSoftmaxWithLoss.forward: expected classes from 0 to ${this.nClasses - 1}, got others in target`,
      );
    const log = this.logProb(x).gather(1, y.unsqueeze(1)).squeeze(1);
    return { output: batched ? log : log.squeeze(0), loss: log.mean().neg() };
  }

  /** Log-probabilities of all classes: (N, inFeatures) → (N, nClasses). */
  logProb(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AdaptiveLogSoftmaxWithLoss.logProb", surplus);
    const head = logSoftmax(this.head.forward(input), 1);
    const parts = [head.narrow(1, 0, this.shortlistSize)];
    [...this.tail].forEach((cluster, i) => {
      const inCluster = logSoftmax(cluster.forward(input) as Tensor, 1);
      parts.push(inCluster.add(head.narrow(1, this.shortlistSize + i, 1)));
    });
    return cat(parts, 1);
  }

  /** The most probable class of each: (N, inFeatures) → (N). */
  predict(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AdaptiveLogSoftmaxWithLoss.predict", surplus);
    return this.logProb(input).argmax(1);
  }
}
