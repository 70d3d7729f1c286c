import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  eachDimension,
  flag,
  integer,
  nullable,
  oneOf,
  positive,
  type KindsOf,
} from "../arguments";
import { TorchError } from "../errors";
import { convTranspose1d, convTranspose2d, convTranspose3d } from "../operators.generated";
import type { Tensor } from "../tensor";
import { type FactoryOptions, emptyParameter, factoryKinds } from "./factory";
import { resetWeightAndBias } from "./linear";
import { Module } from "./module";
import type { Parameter } from "./parameter";
import { pythonRepr } from "./repr";

/** Options of the transposed convolutions; a single number stands for every dimension. */
export interface ConvTransposeOptions extends FactoryOptions {
  /** Step of the convolution whose gradient this is (default 1). */
  stride?: number | readonly number[];
  /** Its padding (default 0): cut off here. */
  padding?: number | readonly number[];
  /** Entries added at the end, to choose among the sizes that give the same convolution (default 0). */
  outputPadding?: number | readonly number[];
  /** Blocks of channels that do not mix (default 1). */
  groups?: number;
  /** Add a learned offset per output channel (default true). */
  bias?: boolean;
  /** Spacing of kernel entries (default 1). */
  dilation?: number | readonly number[];
  /** Only `"zeros"`. */
  paddingMode?: "zeros";
}

const OPTIONS = {
  stride: eachDimension(positive),
  padding: eachDimension(count),
  outputPadding: eachDimension(count),
  groups: integer,
  bias: flag,
  dilation: eachDimension(positive),
  paddingMode: oneOf("zeros"),
  ...factoryKinds,
} satisfies KindsOf<ConvTransposeOptions>;

type Size = number | readonly number[];

/** The gradient of a convolution with respect to its input, as a layer. Weight and bias start uniform on ±1/√fanIn. */
abstract class ConvTranspose extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly outputPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly paddingMode = "zeros";
  /** (inChannels, outChannels / groups, …kernelSize) */
  weight: Parameter;
  /** (outChannels), or null. */
  bias: Parameter | null;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvTransposeOptions = {},
    ...surplus: never[]
  ) {
    super();
    const name = this.constructor.name;
    checkArgument(name, "inChannels", inChannels, count);
    checkArgument(name, "outChannels", outChannels, count);
    checkArgument(name, "kernelSize", kernelSize, eachDimension(positive));
    checkOptions(name, options, OPTIONS, surplus);
    const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 } = options;
    if (groups <= 0 || inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new TorchError(
        `${name}: expected channels divisible by groups, got ${inChannels} in, ${outChannels} out, groups ${groups}`,
      );
    }
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = this.perDimension("kernelSize", kernelSize);
    this.stride = this.perDimension("stride", stride);
    this.padding = this.perDimension("padding", padding);
    this.outputPadding = this.perDimension("outputPadding", outputPadding);
    this.dilation = this.perDimension("dilation", dilation);
    this.groups = groups;
    this.weight = emptyParameter([inChannels, outChannels / groups, ...this.kernelSize], options);
    this.bias = (options.bias ?? true) ? emptyParameter([outChannels], options) : null;
    this.resetParameters();
  }

  protected abstract readonly dims: number;
  protected abstract readonly convolution: typeof convTranspose1d;

  private perDimension(name: string, value: Size): readonly number[] {
    if (typeof value === "number") return Array<number>(this.dims).fill(value);
    if (value.length !== this.dims)
      throw new TorchError(
        `${this.constructor.name}: expected one number or ${this.dims} for ${name}, got ${pythonRepr(value)}`,
      );
    return value;
  }

  /** Draws weight, then bias. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  /** @param options.outputSize the size of the result, where the stride leaves several possible. */
  forward(input: Tensor, options: { outputSize?: readonly number[] | null } = {}, ...surplus: never[]): Tensor {
    const where = `${this.constructor.name}.forward`;
    checkOptions(where, options, { outputSize: nullable(arrayOf(count)) }, surplus);
    const { weight, bias, stride, padding, groups, dilation } = this;
    const added = options.outputSize ? this.addedPadding(input, options.outputSize) : this.outputPadding;
    return this.convolution(input, weight, bias, stride, padding, added, groups, dilation);
  }

  /** What has to be added at the end for the wanted size. */
  private addedPadding(input: Tensor, outputSize: readonly number[]): number[] {
    const wanted = outputSize.slice(-this.dims);
    const smallest = input.shape
      .slice(-this.dims)
      .map(
        (size, d) =>
          (size - 1) * this.stride[d]! - 2 * this.padding[d]! + this.dilation[d]! * (this.kernelSize[d]! - 1) + 1,
      );
    const added = wanted.map((size, d) => size - smallest[d]!);
    if (wanted.length !== this.dims || added.some((more, d) => more < 0 || more >= this.stride[d]!))
      throw new TorchError(
        `${this.constructor.name}: expected an outputSize from ${pythonRepr(smallest)} on, less than the stride more, got ${pythonRepr(outputSize)}`,
      );
    return added;
  }

  protected override extraRepr(): string {
    let text = `${this.inChannels}, ${this.outChannels}, kernel_size=${pythonRepr(this.kernelSize)}, stride=${pythonRepr(this.stride)}`;
    if (this.padding.some((p) => p !== 0)) text += `, padding=${pythonRepr(this.padding)}`;
    if (this.dilation.some((d) => d !== 1)) text += `, dilation=${pythonRepr(this.dilation)}`;
    if (this.outputPadding.some((p) => p !== 0)) text += `, output_padding=${pythonRepr(this.outputPadding)}`;
    if (this.groups !== 1) text += `, groups=${this.groups}`;
    if (this.bias === null) text += ", bias=False";
    return text;
  }
}

/** Transposed convolution over one dimension: (B, inChannels, L) → (B, outChannels, L'). */
export class ConvTranspose1d extends ConvTranspose {
  protected get dims(): number {
    return 1;
  }
  protected get convolution(): typeof convTranspose1d {
    return convTranspose1d;
  }
}

/** Transposed convolution over two dimensions: (B, inChannels, H, W) → (B, outChannels, H', W'). */
export class ConvTranspose2d extends ConvTranspose {
  protected get dims(): number {
    return 2;
  }
  protected get convolution(): typeof convTranspose2d {
    return convTranspose2d;
  }
}

/** Transposed convolution over three dimensions: (B, inChannels, D, H, W) → (B, outChannels, D', H', W'). */
export class ConvTranspose3d extends ConvTranspose {
  protected get dims(): number {
    return 3;
  }
  protected get convolution(): typeof convTranspose3d {
    return convTranspose3d;
  }
}
