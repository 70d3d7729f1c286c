import {
  checkArgument,
  checkOptions,
  count,
  either,
  flag,
  integer,
  oneOf,
  eachDimension,
  positive,
  refuseSurplus,
  type KindsOf,
} from "../arguments";
import { TorchError } from "../errors";
import { conv1d, conv2d, conv3d } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import { pad } from "./functional/pad";
import { resetWeightAndBias } from "./linear";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { pythonRepr } from "./repr";

/** Options of {@link Conv1d}, {@link Conv2d} and {@link Conv3d}; a single number stands for every dimension. */
export interface ConvOptions extends FactoryOptions {
  /** Step between outputs (default 1). */
  stride?: number | readonly number[];
  /** Entries added on both sides (default 0); `"same"` keeps the size (stride 1 only), `"valid"` is 0. */
  padding?: number | readonly number[] | "same" | "valid";
  /** Spacing of kernel entries (default 1). */
  dilation?: number | readonly number[];
  /** Blocks of channels that do not mix (default 1). */
  groups?: number;
  /** Add a learned offset per output channel (default true). */
  bias?: boolean;
  /** What padding consists of (default `"zeros"`). */
  paddingMode?: "zeros" | "reflect" | "replicate" | "circular";
}

const OPTIONS = {
  stride: eachDimension(positive),
  padding: either(eachDimension(count), oneOf("same", "valid")),
  dilation: eachDimension(positive),
  groups: integer,
  bias: flag,
  paddingMode: oneOf("zeros", "reflect", "replicate", "circular"),
  ...factoryKinds,
} satisfies KindsOf<ConvOptions>;

type Convolution = typeof conv1d;

/** What the three convolutions have in common. Weight and bias start uniform on ±1/√(inChannels/groups · kernel size). */
abstract class Conv extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | "same" | "valid";
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly paddingMode: "zeros" | "reflect" | "replicate" | "circular";
  /** (outChannels, inChannels / groups, …kernelSize) */
  weight: Parameter;
  /** (outChannels), or null. */
  bias: Parameter | null;

  constructor(
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvOptions,
    surplus: readonly unknown[],
  ) {
    super();
    checkArgument(this.constructor.name, "inChannels", inChannels, count);
    checkArgument(this.constructor.name, "outChannels", outChannels, count);
    checkArgument(this.constructor.name, "kernelSize", kernelSize, eachDimension(positive));
    checkOptions(this.constructor.name, options, OPTIONS, surplus);
    const { stride = 1, padding = 0, dilation = 1, groups = 1, paddingMode = "zeros" } = options;
    if (groups <= 0 || inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new TorchError(
        `${this.constructor.name}: expected channels divisible by groups, got ${inChannels} in, ${outChannels} out, groups ${groups}`,
      );
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = perDimension(kernelSize, dims);
    this.stride = perDimension(stride, dims);
    this.padding = typeof padding === "string" ? padding : perDimension(padding, dims);
    this.dilation = perDimension(dilation, dims);
    this.groups = groups;
    this.paddingMode = paddingMode;
    if (padding === "same" && this.stride.some((step) => step !== 1)) {
      throw new TorchError(
        `${this.constructor.name}: expected stride 1 with padding "same", got ${pythonRepr(this.stride)}`,
      );
    }
    this.weight = emptyParameter([outChannels, inChannels / groups, ...this.kernelSize], options);
    this.bias = (options.bias ?? true) ? emptyParameter([outChannels], options) : null;
    this.resetParameters();
  }

  /** Draws weight, then bias. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  protected convolve(convolution: Convolution, input: Tensor): Tensor {
    const { weight, bias, stride, padding, dilation, groups, paddingMode } = this;
    if (paddingMode === "zeros")
      return convolution(input, weight, bias, stride, padding as readonly number[], dilation, groups);
    const padded = pad(input, this.paddingOfSides(), paddingMode);
    return convolution(
      padded,
      weight,
      bias,
      stride,
      this.kernelSize.map(() => 0),
      dilation,
      groups,
    );
  }

  /** Padding before and after each dimension, last dimension first, as `pad` takes it. */
  private paddingOfSides(): number[] {
    const sides = this.kernelSize.map((size, d): [number, number] => {
      if (this.padding === "valid") return [0, 0];
      if (this.padding !== "same") return [this.padding[d] ?? 0, this.padding[d] ?? 0];
      const total = (this.dilation[d] ?? 1) * (size - 1);
      return [Math.floor(total / 2), total - Math.floor(total / 2)];
    });
    return sides.reverse().flat();
  }

  protected override extraRepr(): string {
    let text = `${this.inChannels}, ${this.outChannels}, kernel_size=${pythonRepr(this.kernelSize)}, stride=${pythonRepr(this.stride)}`;
    if (typeof this.padding === "string" || this.padding.some((p) => p !== 0))
      text += `, padding=${typeof this.padding === "string" ? this.padding : pythonRepr(this.padding)}`;
    if (this.dilation.some((d) => d !== 1)) text += `, dilation=${pythonRepr(this.dilation)}`;
    if (this.groups !== 1) text += `, groups=${this.groups}`;
    if (this.bias === null) text += ", bias=False";
    if (this.paddingMode !== "zeros") text += `, padding_mode=${this.paddingMode}`;
    return text;
  }
}

/** Convolution over one dimension: (B, inChannels, L) → (B, outChannels, L'). */
export class Conv1d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvOptions = {},
    ...surplus: never[]
  ) {
    super(1, inChannels, outChannels, kernelSize, options, surplus);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Conv1d.forward", surplus);
    return this.convolve(conv1d, input);
  }
}

/** Convolution over two dimensions: (B, inChannels, H, W) → (B, outChannels, H', W'). */
export class Conv2d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvOptions = {},
    ...surplus: never[]
  ) {
    super(2, inChannels, outChannels, kernelSize, options, surplus);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Conv2d.forward", surplus);
    return this.convolve(conv2d, input);
  }
}

/** Convolution over three dimensions: (B, inChannels, D, H, W) → (B, outChannels, D', H', W'). */
export class Conv3d extends Conv {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number | readonly number[],
    options: ConvOptions = {},
    ...surplus: never[]
  ) {
    super(3, inChannels, outChannels, kernelSize, options, surplus);
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Conv3d.forward", surplus);
    return this.convolve(conv3d, input);
  }
}

function perDimension(value: number | readonly number[], dims: number): readonly number[] {
  if (typeof value === "number") return Array<number>(dims).fill(value);
  if (value.length !== dims)
    throw new TorchError(`Convolution: expected one number or ${dims}, got [${value.join(", ")}]`);
  return value;
}
