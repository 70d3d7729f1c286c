/** The reverse of maximum pooling. */
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  eachDimension,
  nullable,
  positive,
  tensor,
  type KindsOf,
} from "../../arguments";
import { TorchError } from "../../errors";
import * as operators from "../../operators.generated";
import type { Tensor } from "../../tensor";

type Size = number | readonly number[];

/** Options of {@link maxUnpool1d} and its kin: those of the pool. */
export interface MaxUnpoolOptions {
  /** Step between the windows of the pool (default: the kernel's size). */
  stride?: Size | null;
  /** Padding of the pool (default 0). */
  padding?: Size;
  /** The size of the pool's input (default: the smallest that fits). */
  outputSize?: readonly number[] | null;
}
const KINDS = {
  stride: nullable(eachDimension(positive)),
  padding: eachDimension(count),
  outputSize: nullable(arrayOf(count)),
} satisfies KindsOf<MaxUnpoolOptions>;

interface Windows {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

function windows(
  where: string,
  dims: number,
  [input, indices, kernelSize]: [Tensor, Tensor, Size],
  options: MaxUnpoolOptions,
  surplus: readonly unknown[],
): Windows {
  checkArgument(where, "input", input, tensor);
  checkArgument(where, "indices", indices, tensor);
  checkArgument(where, "kernelSize", kernelSize, eachDimension(positive));
  checkOptions(where, options, KINDS, surplus);
  const all = (size: Size): readonly number[] => (typeof size === "number" ? Array<number>(dims).fill(size) : size);
  const [kernel, stride, padding] = [all(kernelSize), all(options.stride ?? kernelSize), all(options.padding ?? 0)];
  const smallest = input.shape.slice(-dims).map((size, d) => (size - 1) * stride[d]! + kernel[d]! - 2 * padding[d]!);
  const wanted = options.outputSize?.slice(-dims) ?? smallest;
  wanted.forEach((size, d) => {
    if (Math.abs(size - smallest[d]!) >= stride[d]!)
      throw new TorchError(
        `${where}: expected an outputSize less than the stride ${stride[d]} away from [${smallest.join(", ")}], got [${wanted.join(", ")}]`,
      );
  });
  return { size: wanted, stride, padding };
}

/** Puts maxima back where they came from: (N, C, L) → (N, C, L'). */
export function maxUnpool1d(
  input: Tensor,
  indices: Tensor,
  kernelSize: Size,
  options: MaxUnpoolOptions = {},
  ...surplus: never[]
): Tensor {
  const { size } = windows("maxUnpool1d", 1, [input, indices, kernelSize], options, surplus);
  return operators.maxUnpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), [...size, 1]).squeeze(-1);
}

/** Puts maxima back where they came from: (N, C, H, W) → (N, C, H', W'). */
export function maxUnpool2d(
  input: Tensor,
  indices: Tensor,
  kernelSize: Size,
  options: MaxUnpoolOptions = {},
  ...surplus: never[]
): Tensor {
  const { size } = windows("maxUnpool2d", 2, [input, indices, kernelSize], options, surplus);
  return operators.maxUnpool2d(input, indices, size);
}

/** Puts maxima back where they came from: (N, C, D, H, W) → (N, C, D', H', W'). */
export function maxUnpool3d(
  input: Tensor,
  indices: Tensor,
  kernelSize: Size,
  options: MaxUnpoolOptions = {},
  ...surplus: never[]
): Tensor {
  const { size, stride, padding } = windows("maxUnpool3d", 3, [input, indices, kernelSize], options, surplus);
  return operators.maxUnpool3d(input, indices, size, stride, padding);
}
