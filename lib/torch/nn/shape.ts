/** Modules that only arrange entries: flattening, folding, shuffling channels. */
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  eachDimension,
  integer,
  positive,
  refuseSurplus,
  type KindsOf,
} from "../arguments";
import { channelShuffle, pixelShuffle, pixelUnshuffle } from "../operators.generated";
import type { Tensor } from "../tensor";
import { fold, type FoldOptions, unfold } from "./functional/fold";
import { Module } from "./module";
import { pythonRepr } from "./repr";

/** Joins the dimensions from `startDim` (default 1) to `endDim` (default −1): (N, …) → (N, entries). */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(options: { startDim?: number; endDim?: number } = {}, ...surplus: never[]) {
    super();
    checkOptions("Flatten", options, { startDim: integer, endDim: integer }, surplus);
    this.startDim = options.startDim ?? 1;
    this.endDim = options.endDim ?? -1;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Flatten.forward", surplus);
    return input.flatten(this.startDim, this.endDim);
  }

  protected override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/** Splits one dimension into several; one of the sizes may be −1. */
export class Unflatten extends Module {
  readonly dim: number;
  readonly unflattenedSize: readonly number[];

  constructor(dim: number, unflattenedSize: readonly number[], ...surplus: never[]) {
    super();
    checkArgument("Unflatten", "dim", dim, integer);
    checkArgument("Unflatten", "unflattenedSize", unflattenedSize, arrayOf(integer));
    refuseSurplus("Unflatten", surplus);
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Unflatten.forward", surplus);
    return input.unflatten(this.dim, this.unflattenedSize);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${pythonRepr(this.unflattenedSize)}`;
  }
}

type Size = number | readonly number[];
const FOLD = {
  dilation: eachDimension(positive),
  padding: eachDimension(count),
  stride: eachDimension(positive),
} satisfies KindsOf<FoldOptions>;

/** Adds up blocks into an image, the reverse of {@link Unfold} up to how often an entry is counted: (N, C·∏kernel, L) → (N, C, H, W). */
export class Fold extends Module {
  readonly outputSize: Size;
  readonly kernelSize: Size;
  readonly dilation: Size;
  readonly padding: Size;
  readonly stride: Size;

  constructor(outputSize: Size, kernelSize: Size, options: FoldOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("Fold", "outputSize", outputSize, eachDimension(positive));
    checkArgument("Fold", "kernelSize", kernelSize, eachDimension(positive));
    checkOptions("Fold", options, FOLD, surplus);
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.dilation = options.dilation ?? 1;
    this.padding = options.padding ?? 0;
    this.stride = options.stride ?? 1;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Fold.forward", surplus);
    const { dilation, padding, stride } = this;
    return fold(input, this.outputSize, this.kernelSize, { dilation, padding, stride });
  }

  protected override extraRepr(): string {
    const { outputSize, kernelSize, dilation, padding, stride } = this;
    return `output_size=${pythonRepr(outputSize)}, kernel_size=${pythonRepr(kernelSize)}, dilation=${pythonRepr(dilation)}, padding=${pythonRepr(padding)}, stride=${pythonRepr(stride)}`;
  }
}

/** The blocks of an image side by side: (N, C, H, W) → (N, C·∏kernel, L). */
export class Unfold extends Module {
  readonly kernelSize: Size;
  readonly dilation: Size;
  readonly padding: Size;
  readonly stride: Size;

  constructor(kernelSize: Size, options: FoldOptions = {}, ...surplus: never[]) {
    super();
    checkArgument("Unfold", "kernelSize", kernelSize, eachDimension(positive));
    checkOptions("Unfold", options, FOLD, surplus);
    this.kernelSize = kernelSize;
    this.dilation = options.dilation ?? 1;
    this.padding = options.padding ?? 0;
    this.stride = options.stride ?? 1;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("Unfold.forward", surplus);
    const { dilation, padding, stride } = this;
    return unfold(input, this.kernelSize, { dilation, padding, stride });
  }

  protected override extraRepr(): string {
    const { kernelSize, dilation, padding, stride } = this;
    return `kernel_size=${pythonRepr(kernelSize)}, dilation=${pythonRepr(dilation)}, padding=${pythonRepr(padding)}, stride=${pythonRepr(stride)}`;
  }
}

/** Channels to pixels: (…, C·r², H, W) → (…, C, H·r, W·r). Shi et al. 2016, arXiv 1609.05158. */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;

  constructor(upscaleFactor: number, ...surplus: never[]) {
    super();
    checkArgument("PixelShuffle", "upscaleFactor", upscaleFactor, positive);
    refuseSurplus("PixelShuffle", surplus);
    this.upscaleFactor = upscaleFactor;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("PixelShuffle.forward", surplus);
    return pixelShuffle(input, this.upscaleFactor);
  }

  protected override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`;
  }
}

/** Pixels to channels: (…, C, H·r, W·r) → (…, C·r², H, W). */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;

  constructor(downscaleFactor: number, ...surplus: never[]) {
    super();
    checkArgument("PixelUnshuffle", "downscaleFactor", downscaleFactor, positive);
    refuseSurplus("PixelUnshuffle", surplus);
    this.downscaleFactor = downscaleFactor;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("PixelUnshuffle.forward", surplus);
    return pixelUnshuffle(input, this.downscaleFactor);
  }

  protected override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`;
  }
}

/** Mixes the channels of groups: (N, C, …) → the same. Zhang et al. 2017, arXiv 1707.01083. */
export class ChannelShuffle extends Module {
  readonly groups: number;

  constructor(groups: number, ...surplus: never[]) {
    super();
    checkArgument("ChannelShuffle", "groups", groups, positive);
    refuseSurplus("ChannelShuffle", surplus);
    this.groups = groups;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus("ChannelShuffle.forward", surplus);
    return channelShuffle(input, this.groups);
  }

  protected override extraRepr(): string {
    return `groups=${this.groups}`;
  }
}
