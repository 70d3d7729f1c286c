import { checkArgument, checkOptions, count, flag, refuseSurplus, type KindsOf } from "../arguments";
import { linear } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import * as init from "./init";
import { Module } from "./module";
import { pythonRepr } from "./repr";
import type { Parameter } from "./parameter";

/** Options of {@link Linear}. */
export interface LinearOptions extends FactoryOptions {
  /** Add a learned offset (default true). */
  bias?: boolean;
}

const OPTIONS = { bias: flag, ...factoryKinds } satisfies KindsOf<LinearOptions>;

/** `x · weightᵀ + bias`: (…, inFeatures) → (…, outFeatures). Weight and bias start uniform on ±1/√inFeatures. */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** (outFeatures, inFeatures) */
  weight: Parameter;
  /** (outFeatures), or null. */
  bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("Linear", "inFeatures", inFeatures, count);
    checkArgument("Linear", "outFeatures", outFeatures, count);
    checkOptions("Linear", options, OPTIONS, surplus);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = emptyParameter([outFeatures, inFeatures], options);
    this.bias = (options.bias ?? true) ? emptyParameter([outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws weight, then bias. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Linear.forward", surplus);
    return linear(input, this.weight, this.bias);
  }

  protected override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${pythonRepr(this.bias !== null)}`;
  }
}

/** PyTorch's default for linear and convolution layers: weight, then bias, uniform on ±1/√fanIn. */
export function resetWeightAndBias(weight: Parameter, bias: Parameter | null): void {
  // √5 is how PyTorch writes "bound 1/√fanIn" as a Kaiming slope; kept so that the bound rounds alike.
  init.kaimingUniform_(weight, Math.sqrt(5));
  if (bias === null) return;
  const [fanIn] = init.calculateFanInAndFanOut(weight);
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  init.uniform_(bias, -bound, bound);
}
