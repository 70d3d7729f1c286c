import {
  checkArgument,
  checkOptions,
  count,
  flag,
  eachDimension,
  real,
  refuseSurplus,
  type KindsOf,
} from "../arguments";
import { layerNorm } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
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
