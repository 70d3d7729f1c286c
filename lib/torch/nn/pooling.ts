/** Pooling over windows: averages, maxima and p-norms. Windows run over the last 1, 2 or 3 dimensions: (N, C, …) or (C, …). */
import {
  checkArgument,
  checkOptions,
  count,
  eachDimension,
  flag,
  nullable,
  positive,
  real,
  refuseSurplus,
  type KindsOf,
} from "../arguments";
import { avgPool1d, avgPool2d, avgPool3d } from "../operators.generated";
import type { Tensor } from "../tensor";
import { maxPool1d, maxPool2d, maxPool3d, type MaxPool as MaxPoolFunction } from "./functional/max-pooling";
import { lpPool1d, lpPool2d, lpPool3d } from "./functional/pooling";
import { maxUnpool1d, maxUnpool2d, maxUnpool3d } from "./functional/unpooling";
import { Module } from "./module";
import { floatRepr, pythonRepr } from "./repr";

type Size = number | readonly number[];

/** Options of the average pools. */
export interface AvgPoolOptions {
  /** Step between windows (default: the kernel's size). */
  stride?: Size | null;
  /** Entries added on both sides (default 0). */
  padding?: Size;
  /** Round the number of windows up (default false). */
  ceilMode?: boolean;
  /** Count padding in the averages (default true). */
  countIncludePad?: boolean;
  /** Divide by this instead of the number of entries (2 and 3 dimensions only). */
  divisorOverride?: number | null;
}

const AVG = {
  stride: nullable(eachDimension(positive)),
  padding: eachDimension(count),
  ceilMode: flag,
  countIncludePad: flag,
};

abstract class AvgPool extends Module {
  readonly kernelSize: Size;
  readonly stride: Size;
  readonly padding: Size;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;

  constructor(kernelSize: Size, options: AvgPoolOptions, kinds: object, surplus: readonly unknown[]) {
    super();
    checkArgument(this.constructor.name, "kernelSize", kernelSize, eachDimension(positive));
    checkOptions(this.constructor.name, options, { ...AVG, ...kinds }, surplus);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.ceilMode = options.ceilMode ?? false;
    this.countIncludePad = options.countIncludePad ?? true;
  }

  protected override extraRepr(): string {
    return `kernel_size=${pythonRepr(this.kernelSize)}, stride=${pythonRepr(this.stride)}, padding=${pythonRepr(this.padding)}`;
  }
}

/** Averages over windows: (N, C, L) → (N, C, L'). */
export class AvgPool1d extends AvgPool {
  constructor(kernelSize: Size, options: Omit<AvgPoolOptions, "divisorOverride"> = {}, ...surplus: never[]) {
    super(kernelSize, options, {}, surplus);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AvgPool1d.forward", surplus);
    return avgPool1d(input, this.kernelSize, this.stride, this.padding, this.ceilMode, this.countIncludePad);
  }

  /** PyTorch holds the sizes of one dimension as tuples. */
  protected override extraRepr(): string {
    const tuple = (size: Size): string => pythonRepr(typeof size === "number" ? [size] : size);
    return `kernel_size=${tuple(this.kernelSize)}, stride=${tuple(this.stride)}, padding=${tuple(this.padding)}`;
  }
}

abstract class AvgPoolWithDivisor extends AvgPool {
  readonly divisorOverride: number | null;

  constructor(kernelSize: Size, options: AvgPoolOptions = {}, ...surplus: never[]) {
    super(kernelSize, options, { divisorOverride: nullable(real) }, surplus);
    this.divisorOverride = options.divisorOverride ?? null;
  }

  protected average(pool: typeof avgPool2d, input: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return pool(input, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
  }
}

/** Averages over windows: (N, C, H, W) → (N, C, H', W'). */
export class AvgPool2d extends AvgPoolWithDivisor {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AvgPool2d.forward", surplus);
    return this.average(avgPool2d, input);
  }
}

/** Averages over windows: (N, C, D, H, W) → (N, C, D', H', W'). */
export class AvgPool3d extends AvgPoolWithDivisor {
  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("AvgPool3d.forward", surplus);
    return this.average(avgPool3d, input);
  }
}

/** Options of the maximum pools. */
export interface MaxPoolOptions {
  /** Step between windows (default: the kernel's size). */
  stride?: Size | null;
  /** Entries of −∞ added on both sides (default 0). */
  padding?: Size;
  /** Spacing of the entries of a window (default 1). */
  dilation?: Size;
  /** Give the places of the maxima too, as unpooling needs them (default false). */
  returnIndices?: boolean;
  /** Round the number of windows up (default false). */
  ceilMode?: boolean;
}

const MAX = {
  stride: nullable(eachDimension(positive)),
  padding: eachDimension(count),
  dilation: eachDimension(positive),
  returnIndices: flag,
  ceilMode: flag,
} satisfies KindsOf<MaxPoolOptions>;

/** Maxima over windows; with `returnIndices` a pair of them and their places. */
abstract class MaxPool extends Module {
  readonly kernelSize: Size;
  readonly stride: Size;
  readonly padding: Size;
  readonly dilation: Size;
  readonly returnIndices: boolean;
  readonly ceilMode: boolean;

  constructor(kernelSize: Size, options: MaxPoolOptions = {}, ...surplus: never[]) {
    super();
    checkArgument(this.constructor.name, "kernelSize", kernelSize, eachDimension(positive));
    checkOptions(this.constructor.name, options, MAX, surplus);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.returnIndices = options.returnIndices ?? false;
    this.ceilMode = options.ceilMode ?? false;
  }

  protected abstract readonly pool: MaxPoolFunction;

  forward(input: Tensor, ...surplus: never[]): Tensor | [Tensor, Tensor] {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = this;
    return this.pool(input, kernelSize, stride, padding, dilation, ceilMode, { returnIndices });
  }

  protected override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    return `kernel_size=${pythonRepr(kernelSize)}, stride=${pythonRepr(stride)}, padding=${pythonRepr(padding)}, dilation=${pythonRepr(dilation)}, ceil_mode=${pythonRepr(ceilMode)}`;
  }
}

/** Maxima over windows: (N, C, L) → (N, C, L'). */
export class MaxPool1d extends MaxPool {
  protected get pool(): MaxPoolFunction {
    return maxPool1d;
  }
}

/** Maxima over windows: (N, C, H, W) → (N, C, H', W'). */
export class MaxPool2d extends MaxPool {
  protected get pool(): MaxPoolFunction {
    return maxPool2d;
  }
}

/** Maxima over windows: (N, C, D, H, W) → (N, C, D', H', W'). */
export class MaxPool3d extends MaxPool {
  protected get pool(): MaxPoolFunction {
    return maxPool3d;
  }
}

/** Options of the unpools. */
export interface MaxUnpoolOptions {
  /** Step between the windows of the pool (default: the kernel's size). */
  stride?: Size | null;
  /** Padding of the pool (default 0). */
  padding?: Size;
}

/** Puts the maxima of a pool back where they came from, zeros elsewhere. */
abstract class MaxUnpool extends Module {
  readonly kernelSize: Size;
  readonly stride: Size;
  readonly padding: Size;

  constructor(dims: number, kernelSize: Size, options: MaxUnpoolOptions, surplus: readonly unknown[]) {
    super();
    checkArgument(this.constructor.name, "kernelSize", kernelSize, eachDimension(positive));
    const kinds = { stride: MAX.stride, padding: MAX.padding };
    checkOptions(this.constructor.name, options, kinds, surplus);
    const all = (size: Size): readonly number[] => (typeof size === "number" ? Array<number>(dims).fill(size) : size);
    this.kernelSize = all(kernelSize);
    this.stride = all(options.stride ?? kernelSize);
    this.padding = all(options.padding ?? 0);
  }

  protected abstract readonly unpool: typeof maxUnpool1d;

  /** @param options.outputSize the size of the pool's input, where the kernel and the stride leave several possible. */
  forward(
    input: Tensor,
    indices: Tensor,
    options: { outputSize?: readonly number[] | null } = {},
    ...surplus: never[]
  ): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    const { kernelSize, stride, padding } = this;
    return this.unpool(input, indices, kernelSize, { stride, padding, ...options });
  }

  protected override extraRepr(): string {
    return `kernel_size=${pythonRepr(this.kernelSize)}, stride=${pythonRepr(this.stride)}, padding=${pythonRepr(this.padding)}`;
  }
}

/** The reverse of {@link MaxPool1d}: (N, C, L) → (N, C, L'). */
export class MaxUnpool1d extends MaxUnpool {
  constructor(kernelSize: Size, options: MaxUnpoolOptions = {}, ...surplus: never[]) {
    super(1, kernelSize, options, surplus);
  }
  protected get unpool(): typeof maxUnpool1d {
    return maxUnpool1d;
  }
}

/** The reverse of {@link MaxPool2d}: (N, C, H, W) → (N, C, H', W'). */
export class MaxUnpool2d extends MaxUnpool {
  constructor(kernelSize: Size, options: MaxUnpoolOptions = {}, ...surplus: never[]) {
    super(2, kernelSize, options, surplus);
  }
  protected get unpool(): typeof maxUnpool2d {
    return maxUnpool2d;
  }
}

/** The reverse of {@link MaxPool3d}: (N, C, D, H, W) → (N, C, D', H', W'). */
export class MaxUnpool3d extends MaxUnpool {
  constructor(kernelSize: Size, options: MaxUnpoolOptions = {}, ...surplus: never[]) {
    super(3, kernelSize, options, surplus);
  }
  protected get unpool(): typeof maxUnpool3d {
    return maxUnpool3d;
  }
}

/** Options of the p-norm pools. */
export interface LPPoolOptions {
  /** Step between windows (default: the kernel's size). */
  stride?: Size | null;
  /** Round the number of windows up (default false). */
  ceilMode?: boolean;
}

/** (Σ xᵖ)^(1/p) over windows. */
abstract class LPPool extends Module {
  readonly normType: number;
  readonly kernelSize: Size;
  readonly stride: Size | null;
  readonly ceilMode: boolean;

  constructor(normType: number, kernelSize: Size, options: LPPoolOptions = {}, ...surplus: never[]) {
    super();
    checkArgument(this.constructor.name, "normType", normType, real);
    checkArgument(this.constructor.name, "kernelSize", kernelSize, eachDimension(positive));
    checkOptions(this.constructor.name, options, { stride: MAX.stride, ceilMode: flag }, surplus);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? null;
    this.ceilMode = options.ceilMode ?? false;
  }

  protected abstract readonly pool: typeof lpPool1d;

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    const { normType, kernelSize, stride, ceilMode } = this;
    return this.pool(input, normType, kernelSize, { stride, ceilMode });
  }

  protected override extraRepr(): string {
    const norm = Number.isInteger(this.normType) ? this.normType : floatRepr(this.normType);
    return `norm_type=${norm}, kernel_size=${pythonRepr(this.kernelSize)}, stride=${pythonRepr(this.stride)}, ceil_mode=${pythonRepr(this.ceilMode)}`;
  }
}

/** p-norms over windows: (N, C, L) → (N, C, L'). */
export class LPPool1d extends LPPool {
  protected get pool(): typeof lpPool1d {
    return lpPool1d;
  }
}

/** p-norms over windows: (N, C, H, W) → (N, C, H', W'). */
export class LPPool2d extends LPPool {
  protected get pool(): typeof lpPool2d {
    return lpPool2d;
  }
}

/** p-norms over windows: (N, C, D, H, W) → (N, C, D', H', W'). */
export class LPPool3d extends LPPool {
  protected get pool(): typeof lpPool3d {
    return lpPool3d;
  }
}
