/** Activation functions as modules. All act entry by entry and keep the shape, except {@link Softmax}. */
import { checkArgument, checkOptions, integer, oneOf, real, refuseSurplus } from "../arguments";
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softmax, softplus, tanh } from "../operators.generated";
import type { Tensor } from "../tensor";
import { Module } from "./module";
import { floatRepr, pythonRepr } from "./repr";

/** An activation without options. */
abstract class Plain extends Module {
  constructor(options: Record<string, never> = {}, ...surplus: never[]) {
    super();
    checkOptions(this.constructor.name, options, {}, surplus);
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
export class ReLU extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("ReLU.forward", surplus);
    return relu(input);
  }
}

/** x for x > 0, else negativeSlope·x (default slope 0.01). */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  constructor(options: { negativeSlope?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("LeakyReLU", options, { negativeSlope: real }, surplus);
    this.negativeSlope = options.negativeSlope ?? 0.01;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("LeakyReLU.forward", surplus);
    return leakyRelu(input, this.negativeSlope);
  }

  protected override extraRepr(): string {
    return `negative_slope=${floatRepr(this.negativeSlope)}`;
  }
}

/** x for x > 0, else alpha·(eˣ − 1) (default alpha 1). */
export class ELU extends Module {
  readonly alpha: number;

  constructor(options: { alpha?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("ELU", options, { alpha: real }, surplus);
    this.alpha = options.alpha ?? 1;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("ELU.forward", surplus);
    return elu(input, this.alpha);
  }

  protected override extraRepr(): string {
    return `alpha=${floatRepr(this.alpha)}`;
  }
}

/** x·σ(x), also called swish. */
export class SiLU extends Plain {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("SiLU.forward", surplus);
    return silu(input);
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

/** Exponentials along `dim`, divided by their sum. */
export class Softmax extends Module {
  readonly dim: number;

  constructor(dim: number, ...surplus: never[]) {
    super();
    checkArgument("Softmax", "dim", dim, integer);
    refuseSurplus("Softmax", surplus);
    this.dim = dim;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Softmax.forward", surplus);
    return softmax(input, this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
