/** Activation functions as modules. All act entry by entry and keep the shape, except softmaxes and {@link GLU}. */
import {
  checkArgument,
  checkOptions,
  count,
  flag,
  integer,
  oneOf,
  real,
  refuseSurplus,
  type OptionKinds,
} from "../arguments";
import {
  celu,
  celu_,
  elu,
  elu_,
  gelu,
  glu,
  hardshrink,
  hardsigmoid,
  hardsigmoid_,
  hardswish,
  hardswish_,
  hardtanh,
  hardtanh_,
  leakyRelu,
  leakyRelu_,
  logSigmoid,
  logSoftmax,
  mish,
  mish_,
  prelu,
  relu,
  relu6,
  relu6_,
  relu_,
  rrelu,
  rrelu_,
  selu,
  selu_,
  sigmoid,
  silu,
  silu_,
  softmax,
  softplus,
  softshrink,
  tanh,
  threshold,
  threshold_,
} from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import { softmin, softsign, tanhshrink } from "./functional/activation";
import * as init from "./init";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { floatRepr, pythonRepr } from "./repr";
import { TorchError } from "../errors";

/** An activation without options. */
abstract class Plain extends Module {
  constructor(options: Record<string, never> = {}, ...surplus: never[]) {
    super();
    checkOptions(this.constructor.name, options, {}, surplus);
  }
}

/** The option of activations that may write into their input. */
export interface InplaceOptions {
  /** Write the result into the input's memory (default false). */
  inplace?: boolean;
}

/** An activation that may write into its input. */
abstract class Inplace extends Module {
  readonly inplace: boolean;

  constructor(options: InplaceOptions = {}, kinds: OptionKinds = {}, surplus: readonly unknown[] = []) {
    super();
    checkOptions(this.constructor.name, options, { ...kinds, inplace: flag }, surplus);
    this.inplace = options.inplace ?? false;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    return this.apply_(input);
  }

  /** The function itself. */
  protected abstract apply_(input: Tensor): Tensor;

  protected override extraRepr(): string {
    return [...this.reprParts(), ...(this.inplace ? ["inplace=True"] : [])].join(", ");
  }

  protected reprParts(): string[] {
    return [];
  }
}

/** An {@link Inplace} activation that has no other option. */
abstract class PlainInplace extends Inplace {
  constructor(options: InplaceOptions = {}, ...surplus: never[]) {
    super(options, {}, surplus);
  }
}

/** Passes its input through; arguments are ignored, as in PyTorch, so that it can stand for any module. */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super();
  }

  forward(input: Tensor): Tensor {
    return input;
  }
}

/** x·Φ(x), Hendrycks & Gimpel 2016; `approximate: "tanh"` for the tanh formula. */
export class GELU extends Module {
  readonly approximate: "none" | "tanh";

  constructor(options: { approximate?: "none" | "tanh" } = {}, ...surplus: never[]) {
    super();
    checkOptions("GELU", options, { approximate: oneOf("none", "tanh") }, surplus);
    this.approximate = options.approximate ?? "none";
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("GELU.forward", surplus);
    return gelu(input, { approximate: this.approximate });
  }

  protected override extraRepr(): string {
    return `approximate=${pythonRepr(this.approximate)}`;
  }
}

/** max(x, 0). */
export class ReLU extends PlainInplace {
  protected apply_(input: Tensor): Tensor {
    return this.inplace ? relu_(input) : relu(input);
  }
}

/** min(max(x, 0), 6). */
export class ReLU6 extends PlainInplace {
  protected apply_(input: Tensor): Tensor {
    return this.inplace ? relu6_(input) : relu6(input);
  }
}

/** x for x > 0, else negativeSlope·x (default slope 0.01). */
export class LeakyReLU extends Inplace {
  readonly negativeSlope: number;

  constructor(options: InplaceOptions & { negativeSlope?: number } = {}, ...surplus: never[]) {
    super(options, { negativeSlope: real }, surplus);
    this.negativeSlope = options.negativeSlope ?? 0.01;
  }

  protected apply_(input: Tensor): Tensor {
    return this.inplace ? leakyRelu_(input, this.negativeSlope) : leakyRelu(input, this.negativeSlope);
  }

  protected override reprParts(): string[] {
    return [`negative_slope=${floatRepr(this.negativeSlope)}`];
  }
}

/** x for x > 0, else slope·x with a slope drawn between lower and upper for each entry while training, their mean otherwise. */
export class RReLU extends Inplace {
  readonly lower: number;
  readonly upper: number;

  constructor(options: InplaceOptions & { lower?: number; upper?: number } = {}, ...surplus: never[]) {
    super(options, { lower: real, upper: real }, surplus);
    this.lower = options.lower ?? 1 / 8;
    this.upper = options.upper ?? 1 / 3;
  }

  protected apply_(input: Tensor): Tensor {
    return (this.inplace ? rrelu_ : rrelu)(input, this.lower, this.upper, this.training);
  }

  protected override reprParts(): string[] {
    return [`lower=${floatRepr(this.lower)}`, `upper=${floatRepr(this.upper)}`];
  }
}

/** x for x > 0, else a learned slope times x: one for all, or one per channel (dimension 1). He et al. 2015, arXiv 1502.01852. */
export class PReLU extends Module {
  readonly init: number;
  /** (numParameters) */
  weight: Parameter;

  constructor(options: FactoryOptions & { numParameters?: number; init?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("PReLU", options, { numParameters: count, init: real, ...factoryKinds }, surplus);
    this.init = options.init ?? 0.25;
    this.weight = emptyParameter([options.numParameters ?? 1], options);
    this.resetParameters();
  }

  resetParameters(): void {
    init.constant_(this.weight, this.init);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("PReLU.forward", surplus);
    return prelu(input, this.weight);
  }

  protected override extraRepr(): string {
    return `num_parameters=${this.weight.numel()}`;
  }
}

/** x for x > 0, else alpha·(eˣ − 1) (default alpha 1). */
export class ELU extends Inplace {
  readonly alpha: number;

  constructor(options: InplaceOptions & { alpha?: number } = {}, ...surplus: never[]) {
    super(options, { alpha: real }, surplus);
    this.alpha = options.alpha ?? 1;
  }

  protected apply_(input: Tensor): Tensor {
    return this.inplace ? elu_(input, this.alpha) : elu(input, this.alpha);
  }

  protected override reprParts(): string[] {
    return [`alpha=${floatRepr(this.alpha)}`];
  }
}

/** max(x, 0) + min(alpha·(e^(x/alpha) − 1), 0) (default alpha 1). */
export class CELU extends Inplace {
  readonly alpha: number;

  constructor(options: InplaceOptions & { alpha?: number } = {}, ...surplus: never[]) {
    super(options, { alpha: real }, surplus);
    this.alpha = options.alpha ?? 1;
  }

  protected apply_(input: Tensor): Tensor {
    return this.inplace ? celu_(input, this.alpha) : celu(input, this.alpha);
  }

  protected override reprParts(): string[] {
    return [`alpha=${floatRepr(this.alpha)}`];
  }
}

/** ELU with the scale and alpha that keep mean and variance. Klambauer et al. 2017, arXiv 1706.02515. */
export class SELU extends PlainInplace {
  protected apply_(input: Tensor): Tensor {
    return this.inplace ? selu_(input) : selu(input);
  }
}

/** x·σ(x), also called swish. */
export class SiLU extends PlainInplace {
  protected apply_(input: Tensor): Tensor {
    return this.inplace ? silu_(input) : silu(input);
  }
}

/** x·tanh(softplus(x)). */
export class Mish extends PlainInplace {
  protected apply_(input: Tensor): Tensor {
    return this.inplace ? mish_(input) : mish(input);
  }
}

/** min(max(x, minVal), maxVal) (defaults −1 and 1). */
export class Hardtanh extends Inplace {
  readonly minVal: number;
  readonly maxVal: number;

  constructor(options: InplaceOptions & { minVal?: number; maxVal?: number } = {}, ...surplus: never[]) {
    super(options, { minVal: real, maxVal: real }, surplus);
    this.minVal = options.minVal ?? -1;
    this.maxVal = options.maxVal ?? 1;
    if (!(this.maxVal > this.minVal))
      throw new TorchError(`Hardtanh: expected maxVal above minVal ${this.minVal}, got ${this.maxVal}`);
  }

  protected apply_(input: Tensor): Tensor {
    return (this.inplace ? hardtanh_ : hardtanh)(input, this.minVal, this.maxVal);
  }

  protected override reprParts(): string[] {
    return [`min_val=${floatRepr(this.minVal)}`, `max_val=${floatRepr(this.maxVal)}`];
  }
}

/** x/6 + ½, cut to [0, 1]. */
export class Hardsigmoid extends PlainInplace {
  protected apply_(input: Tensor): Tensor {
    return this.inplace ? hardsigmoid_(input) : hardsigmoid(input);
  }

  /** PyTorch prints nothing, in place or not. */
  protected override extraRepr(): string {
    return "";
  }
}

/** x times {@link Hardsigmoid}. */
export class Hardswish extends PlainInplace {
  protected apply_(input: Tensor): Tensor {
    return this.inplace ? hardswish_(input) : hardswish(input);
  }

  /** PyTorch prints nothing, in place or not. */
  protected override extraRepr(): string {
    return "";
  }
}

/** x for x > threshold, else value. */
export class Threshold extends Inplace {
  readonly threshold: number;
  readonly value: number;

  constructor(threshold: number, value: number, options: InplaceOptions = {}, ...surplus: never[]) {
    super(options, {}, surplus);
    checkArgument("Threshold", "threshold", threshold, real);
    checkArgument("Threshold", "value", value, real);
    this.threshold = threshold;
    this.value = value;
  }

  protected apply_(input: Tensor): Tensor {
    return (this.inplace ? threshold_ : threshold)(input, this.threshold, this.value);
  }

  protected override reprParts(): string[] {
    return [`threshold=${pythonRepr(this.threshold)}`, `value=${pythonRepr(this.value)}`];
  }
}

/** x outside of ±lambd, 0 inside (default ½). */
export class Hardshrink extends Module {
  readonly lambd: number;

  constructor(options: { lambd?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("Hardshrink", options, { lambd: real }, surplus);
    this.lambd = options.lambd ?? 0.5;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Hardshrink.forward", surplus);
    return hardshrink(input, this.lambd);
  }

  protected override extraRepr(): string {
    return floatRepr(this.lambd);
  }
}

/** x moved towards 0 by lambd, 0 within ±lambd (default ½). */
export class Softshrink extends Module {
  readonly lambd: number;

  constructor(options: { lambd?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("Softshrink", options, { lambd: real }, surplus);
    this.lambd = options.lambd ?? 0.5;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Softshrink.forward", surplus);
    return softshrink(input, this.lambd);
  }

  protected override extraRepr(): string {
    return floatRepr(this.lambd);
  }
}

/** x − tanh(x). */
export class Tanhshrink extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Tanhshrink.forward", surplus);
    return tanhshrink(input);
  }
}

/** x / (1 + |x|). */
export class Softsign extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Softsign.forward", surplus);
    return softsign(input);
  }
}

/** ln σ(x). */
export class LogSigmoid extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("LogSigmoid.forward", surplus);
    return logSigmoid(input);
  }
}

/** First half of `dim` times σ of its second half: (…, 2n, …) → (…, n, …); default dim −1. Dauphin et al. 2016, arXiv 1612.08083. */
export class GLU extends Module {
  readonly dim: number;

  constructor(options: { dim?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("GLU", options, { dim: integer }, surplus);
    this.dim = options.dim ?? -1;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("GLU.forward", surplus);
    return glu(input, this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** Hyperbolic tangent. */
export class Tanh extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Tanh.forward", surplus);
    return tanh(input);
  }
}

/** 1 / (1 + e⁻ˣ). */
export class Sigmoid extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Sigmoid.forward", surplus);
    return sigmoid(input);
  }
}

/** ln(1 + e^(beta·x)) / beta, linear where beta·x is above the threshold (defaults 1 and 20). */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor(options: { beta?: number; threshold?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("Softplus", options, { beta: real, threshold: real }, surplus);
    this.beta = options.beta ?? 1;
    this.threshold = options.threshold ?? 20;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Softplus.forward", surplus);
    return softplus(input, this.beta, this.threshold);
  }

  protected override extraRepr(): string {
    return `beta=${floatRepr(this.beta)}, threshold=${floatRepr(this.threshold)}`;
  }
}

/** An activation along one dimension. */
abstract class AlongDim extends Module {
  readonly dim: number;

  constructor(dim: number, ...surplus: never[]) {
    super();
    checkArgument(this.constructor.name, "dim", dim, integer);
    refuseSurplus(this.constructor.name, surplus);
    this.dim = dim;
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** Exponentials along `dim`, divided by their sum. */
export class Softmax extends AlongDim {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Softmax.forward", surplus);
    return softmax(input, this.dim);
  }
}

/** {@link Softmax} of −x. */
export class Softmin extends AlongDim {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Softmin.forward", surplus);
    return softmin(input, this.dim);
  }
}

/** Logarithm of {@link Softmax}; exact where that would be 0. */
export class LogSoftmax extends AlongDim {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("LogSoftmax.forward", surplus);
    return logSoftmax(input, this.dim);
  }
}

/** {@link Softmax} over the channels of an image: (N, C, H, W) or (C, H, W) → the same. */
export class Softmax2d extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Softmax2d.forward", surplus);
    if (input.ndim !== 3 && input.ndim !== 4)
      throw new TorchError(`Softmax2d: expected an input of 3 or 4 dimensions, got shape [${input.shape.join(", ")}]`);
    return softmax(input, -3);
  }
}
