/** Pooling to a given output size, whatever the input's. */
import { checkArgument, checkOptions, eachDimension, flag, positive, refuseSurplus } from "../arguments";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import {
  ADAPTIVE_SIZE,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type AdaptiveMaxPoolFunction,
  type AdaptiveSize,
} from "./functional/adaptive-pooling";
import {
  FRACTIONAL,
  fractionalMaxPool2d,
  fractionalMaxPool3d,
  type FractionalMaxPoolOptions,
} from "./functional/pooling";
import { Module } from "./module";
import { pythonRepr } from "./repr";

abstract class AdaptiveAvgPool extends Module {
  readonly outputSize: AdaptiveSize;

  /** @param outputSize one number for all dimensions, or one each; null keeps the input's. */
  constructor(outputSize: AdaptiveSize, ...surplus: never[]) {
    super();
    checkArgument(this.constructor.name, "outputSize", outputSize, ADAPTIVE_SIZE);
    refuseSurplus(this.constructor.name, surplus);
    this.outputSize = outputSize;
  }

  protected override extraRepr(): string {
    return `output_size=${pythonRepr(this.outputSize)}`;
  }
}

/** Averages to a given size: (N, C, L) → (N, C, outputSize). */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AdaptiveAvgPool1d.forward", surplus);
    return adaptiveAvgPool1d(input, this.outputSize);
  }
}

/** Averages to a given size: (N, C, H, W) → (N, C, …outputSize). */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AdaptiveAvgPool2d.forward", surplus);
    return adaptiveAvgPool2d(input, this.outputSize);
  }
}

/** Averages to a given size: (N, C, D, H, W) → (N, C, …outputSize). */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AdaptiveAvgPool3d.forward", surplus);
    return adaptiveAvgPool3d(input, this.outputSize);
  }
}

abstract class AdaptiveMaxPool extends Module {
  readonly outputSize: AdaptiveSize;
  readonly returnIndices: boolean;

  /** @param options.returnIndices give the places of the maxima too (default false). */
  constructor(outputSize: AdaptiveSize, options: { returnIndices?: boolean } = {}, ...surplus: never[]) {
    super();
    checkArgument(this.constructor.name, "outputSize", outputSize, ADAPTIVE_SIZE);
    checkOptions(this.constructor.name, options, { returnIndices: flag }, surplus);
    this.outputSize = outputSize;
    this.returnIndices = options.returnIndices ?? false;
  }

  protected abstract readonly pool: AdaptiveMaxPoolFunction;

  forward(input: Tensor, ...surplus: never[]): Tensor | [Tensor, Tensor] {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    const { outputSize, returnIndices } = this;
    return this.pool(input, outputSize, { returnIndices });
  }

  protected override extraRepr(): string {
    return `output_size=${pythonRepr(this.outputSize)}`;
  }
}

/** Maxima to a given size: (N, C, L) → (N, C, outputSize). */
export class AdaptiveMaxPool1d extends AdaptiveMaxPool {
  protected get pool(): AdaptiveMaxPoolFunction {
    return adaptiveMaxPool1d;
  }
}

/** Maxima to a given size: (N, C, H, W) → (N, C, …outputSize). */
export class AdaptiveMaxPool2d extends AdaptiveMaxPool {
  protected get pool(): AdaptiveMaxPoolFunction {
    return adaptiveMaxPool2d;
  }
}

/** Maxima to a given size: (N, C, D, H, W) → (N, C, …outputSize). */
export class AdaptiveMaxPool3d extends AdaptiveMaxPool {
  protected get pool(): AdaptiveMaxPoolFunction {
    return adaptiveMaxPool3d;
  }
}

type Size = number | readonly number[];

/** Maxima over windows that begin at random places. Graham 2014, arXiv 1412.6071. */
abstract class FractionalMaxPool extends Module {
  readonly kernelSize: Size;
  readonly outputSize: Size | null;
  readonly outputRatio: Size | null;
  readonly returnIndices: boolean;
  /** Where windows begin; drawn at every call where it is null. */
  declare _randomSamples: Tensor | null;

  constructor(kernelSize: Size, options: FractionalMaxPoolOptions, ...surplus: never[]) {
    super();
    const name = this.constructor.name;
    checkArgument(name, "kernelSize", kernelSize, eachDimension(positive));
    checkOptions(name, options, FRACTIONAL, surplus);
    const { outputSize = null, outputRatio = null, returnIndices = false, _randomSamples = null } = options;
    if ((outputSize === null) === (outputRatio === null))
      throw new TorchError(`${name}: expected either outputSize or outputRatio, got both or neither`);
    const ratios = typeof outputRatio === "number" ? [outputRatio] : (outputRatio ?? []);
    if (!ratios.every((ratio) => ratio > 0 && ratio < 1))
      throw new TorchError(`${name}: expected an outputRatio between 0 and 1, got ${pythonRepr(outputRatio)}`);
    this.kernelSize = kernelSize;
    this.outputSize = outputSize;
    this.outputRatio = outputRatio;
    this.returnIndices = returnIndices;
    this.registerBuffer("_randomSamples", _randomSamples);
  }

  protected abstract readonly pool: typeof fractionalMaxPool2d;

  forward(input: Tensor, ...surplus: never[]): Tensor | [Tensor, Tensor] {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    const { outputSize, outputRatio, returnIndices, _randomSamples } = this;
    return this.pool(input, this.kernelSize, { outputSize, outputRatio, returnIndices, _randomSamples });
  }
}

/** Maxima over windows at random places: (N, C, H, W) → (N, C, H', W'). */
export class FractionalMaxPool2d extends FractionalMaxPool {
  protected get pool(): typeof fractionalMaxPool2d {
    return fractionalMaxPool2d;
  }
}

/** Maxima over windows at random places: (N, C, D, H, W) → (N, C, D', H', W'). */
export class FractionalMaxPool3d extends FractionalMaxPool {
  protected get pool(): typeof fractionalMaxPool3d {
    return fractionalMaxPool3d;
  }
}
