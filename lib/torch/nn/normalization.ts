import {
  checkArgument,
  checkOptions,
  count,
  flag,
  eachDimension,
  nullable,
  positive,
  real,
  refuseSurplus,
  type KindsOf,
} from "../arguments";
import { TorchError } from "../errors";
import { groupNorm, layerNorm, rmsNorm } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import { localResponseNorm } from "./functional/normalization";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { floatRepr, pythonRepr } from "./repr";

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions extends FactoryOptions {
  /** Added to the variance (default 1e-5). */
  eps?: number;
  /** Learn a factor per entry (default true). */
  elementwiseAffine?: boolean;
  /** Learn an offset per entry too (default true; only with `elementwiseAffine`). */
  bias?: boolean;
}

const OPTIONS = { eps: real, elementwiseAffine: flag, bias: flag, ...factoryKinds } satisfies KindsOf<LayerNormOptions>;

/** Normalises over the last dimensions: (…, …normalizedShape) → the same. Ba et al. 2016, arXiv 1607.06450. */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  eps: number;
  readonly elementwiseAffine: boolean;
  /** normalizedShape, or null. */
  weight: Parameter | null;
  /** normalizedShape, or null. */
  bias: Parameter | null;

  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("LayerNorm", "normalizedShape", normalizedShape, eachDimension(count));
    checkOptions("LayerNorm", options, OPTIONS, surplus);
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
    this.eps = options.eps ?? 1e-5;
    this.elementwiseAffine = options.elementwiseAffine ?? true;
    const biased = this.elementwiseAffine && (options.bias ?? true);
    this.weight = this.elementwiseAffine ? emptyParameter(this.normalizedShape, options) : null;
    this.bias = biased ? emptyParameter(this.normalizedShape, options) : null;
    this.resetParameters();
  }

  /** Factor 1, offset 0. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("LayerNorm.forward", surplus);
    return layerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  protected override extraRepr(): string {
    return `${pythonRepr(this.normalizedShape)}, eps=${floatRepr(this.eps)}, elementwise_affine=${pythonRepr(this.elementwiseAffine)}, bias=${pythonRepr(this.bias !== null)}`;
  }
}

/** Options of {@link RMSNorm}. */
export interface RMSNormOptions extends FactoryOptions {
  /** Added to the mean square (default null: the dtype's machine epsilon). */
  eps?: number | null;
  /** Learn a factor per entry (default true). */
  elementwiseAffine?: boolean;
}

const RMS = { eps: nullable(real), elementwiseAffine: flag, ...factoryKinds } satisfies KindsOf<RMSNormOptions>;

/** Divides by the root mean square over the last dimensions: (…, …normalizedShape) → the same. Zhang & Sennrich 2019, arXiv 1910.07467. */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number | null;
  readonly elementwiseAffine: boolean;
  /** normalizedShape, or null. */
  weight: Parameter | null;

  constructor(normalizedShape: number | readonly number[], options: RMSNormOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("RMSNorm", "normalizedShape", normalizedShape, eachDimension(count));
    checkOptions("RMSNorm", options, RMS, surplus);
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
    this.eps = options.eps ?? null;
    this.elementwiseAffine = options.elementwiseAffine ?? true;
    this.weight = this.elementwiseAffine ? emptyParameter(this.normalizedShape, options) : null;
    this.resetParameters();
  }

  /** Factor 1. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("RMSNorm.forward", surplus);
    return rmsNorm(input, this.normalizedShape, this.weight, this.eps);
  }

  protected override extraRepr(): string {
    const eps = this.eps === null ? "None" : floatRepr(this.eps);
    return `${pythonRepr(this.normalizedShape)}, eps=${eps}, elementwise_affine=${pythonRepr(this.elementwiseAffine)}`;
  }
}

/** Options of {@link GroupNorm}. */
export interface GroupNormOptions extends FactoryOptions {
  /** Added to the variance (default 1e-5). */
  eps?: number;
  /** Learn a factor and an offset per channel (default true). */
  affine?: boolean;
  /** Learn the offset (default true; only with `affine`). */
  bias?: boolean;
}

const GROUP = { eps: real, affine: flag, bias: flag, ...factoryKinds } satisfies KindsOf<GroupNormOptions>;

/** Normalises each group of channels of each sample: (N, numChannels, …) → the same. Wu & He 2018, arXiv 1803.08494. */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly affine: boolean;
  /** (numChannels), or null. */
  weight: Parameter | null;
  /** (numChannels), or null. */
  bias: Parameter | null;

  constructor(numGroups: number, numChannels: number, options: GroupNormOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("GroupNorm", "numGroups", numGroups, positive);
    checkArgument("GroupNorm", "numChannels", numChannels, count);
    checkOptions("GroupNorm", options, GROUP, surplus);
    if (numChannels % numGroups !== 0)
      throw new TorchError(
        `GroupNorm: expected numChannels divisible by numGroups, got ${numChannels} channels in ${numGroups} groups`,
      );
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = options.eps ?? 1e-5;
    this.affine = options.affine ?? true;
    this.weight = this.affine ? emptyParameter([numChannels], options) : null;
    this.bias = this.affine && (options.bias ?? true) ? emptyParameter([numChannels], options) : null;
    this.resetParameters();
  }

  /** Factor 1, offset 0. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("GroupNorm.forward", surplus);
    return groupNorm(input, this.numGroups, this.weight, this.bias, this.eps);
  }

  protected override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${floatRepr(this.eps)}, affine=${pythonRepr(this.affine)}, bias=${pythonRepr(this.bias !== null)}`;
  }
}

/** Options of {@link LocalResponseNorm}. */
export interface LocalResponseNormOptions {
  /** Factor of the squares (default 1e-4). */
  alpha?: number;
  /** Exponent (default 0.75). */
  beta?: number;
  /** Added to the squares (default 1). */
  k?: number;
}

const LOCAL = { alpha: real, beta: real, k: real } satisfies KindsOf<LocalResponseNormOptions>;

/** Divides by (k + alpha · mean of the squares of `size` neighbouring channels)^beta: (N, C, …) → the same. Krizhevsky et al. 2012. */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(size: number, options: LocalResponseNormOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("LocalResponseNorm", "size", size, positive);
    checkOptions("LocalResponseNorm", options, LOCAL, surplus);
    this.size = size;
    this.alpha = options.alpha ?? 1e-4;
    this.beta = options.beta ?? 0.75;
    this.k = options.k ?? 1;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("LocalResponseNorm.forward", surplus);
    return localResponseNorm(input, this.size, { alpha: this.alpha, beta: this.beta, k: this.k });
  }

  protected override extraRepr(): string {
    return `${this.size}, alpha=${floatRepr(this.alpha)}, beta=${floatRepr(this.beta)}, k=${floatRepr(this.k)}`;
  }
}
