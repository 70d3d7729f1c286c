import { checkArgument, checkOptions, flag, positive, refuseSurplus, type KindsOf } from "../arguments";
import { bilinear } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { pythonRepr } from "./repr";

/** Options of {@link Bilinear}. */
export interface BilinearOptions extends FactoryOptions {
  /** Add a learned offset (default true). */
  bias?: boolean;
}
const OPTIONS = { bias: flag, ...factoryKinds } satisfies KindsOf<BilinearOptions>;

/** x1ᵀ · weight · x2 + bias: (…, in1Features), (…, in2Features) → (…, outFeatures). Weights start uniform on ±1/√in1Features. */
export class Bilinear extends Module {
  readonly in1Features: number;
  readonly in2Features: number;
  readonly outFeatures: number;
  /** (outFeatures, in1Features, in2Features) */
  weight: Parameter;
  /** (outFeatures), or null. */
  bias: Parameter | null;

  constructor(
    in1Features: number,
    in2Features: number,
    outFeatures: number,
    options: BilinearOptions = {},
    ...surplus: never[]
  ) {
    super();
    for (const [name, value] of Object.entries({ in1Features, in2Features, outFeatures }))
      checkArgument("Bilinear", name, value, positive);
    checkOptions("Bilinear", options, OPTIONS, surplus);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    this.weight = emptyParameter([outFeatures, in1Features, in2Features], options);
    this.bias = (options.bias ?? true) ? emptyParameter([outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws weight, then bias. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    init.uniform_(this.weight, -bound, bound);
    if (this.bias !== null) init.uniform_(this.bias, -bound, bound);
  }

  forward(input1: Tensor, input2: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Bilinear.forward", surplus);
    return bilinear(input1, input2, this.weight, this.bias);
  }

  protected override extraRepr(): string {
    return `in1_features=${this.in1Features}, in2_features=${this.in2Features}, out_features=${this.outFeatures}, bias=${pythonRepr(this.bias !== null)}`;
  }
}
