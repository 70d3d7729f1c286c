/** Blocks of images as columns, and back. */
import { checkArgument, checkOptions, count, eachDimension, positive, tensor, type KindsOf } from "../../arguments";
import { col2im, im2col } from "../../operators.generated";
import type { Tensor } from "../../tensor";

type Size = number | readonly number[];

/** Options of {@link fold} and {@link unfold}; a single number stands for both dimensions. */
export interface FoldOptions {
  /** Spacing of the entries of a block (default 1). */
  dilation?: Size;
  /** Zeros added on both sides (default 0). */
  padding?: Size;
  /** Step between blocks (default 1). */
  stride?: Size;
}
const KINDS = {
  dilation: eachDimension(positive),
  padding: eachDimension(count),
  stride: eachDimension(positive),
} satisfies KindsOf<FoldOptions>;

const pair = (size: Size): readonly number[] => (typeof size === "number" ? [size, size] : size);

/** Adds up blocks into an image: (N, C·∏kernel, L) → (N, C, …outputSize); (C·∏kernel, L) too. */
export function fold(
  input: Tensor,
  outputSize: Size,
  kernelSize: Size,
  options: FoldOptions = {},
  ...surplus: never[]
): Tensor {
  checkArgument("fold", "input", input, tensor);
  checkArgument("fold", "outputSize", outputSize, eachDimension(positive));
  checkArgument("fold", "kernelSize", kernelSize, eachDimension(positive));
  checkOptions("fold", options, KINDS, surplus);
  const { dilation = 1, padding = 0, stride = 1 } = options;
  return col2im(input, pair(outputSize), pair(kernelSize), pair(dilation), pair(padding), pair(stride));
}

/** The blocks of an image side by side: (N, C, H, W) → (N, C·∏kernel, L); (C, H, W) too. */
export function unfold(input: Tensor, kernelSize: Size, options: FoldOptions = {}, ...surplus: never[]): Tensor {
  checkArgument("unfold", "input", input, tensor);
  checkArgument("unfold", "kernelSize", kernelSize, eachDimension(positive));
  checkOptions("unfold", options, KINDS, surplus);
  const { dilation = 1, padding = 0, stride = 1 } = options;
  return im2col(input, pair(kernelSize), pair(dilation), pair(padding), pair(stride));
}
