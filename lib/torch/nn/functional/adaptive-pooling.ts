/** Pooling to a given output size, whatever the input's. */
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  either,
  flag,
  nullable,
  refuseSurplus,
  tensor,
} from "../../arguments";
import { TorchError } from "../../errors";
import * as operators from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** The size of an adaptive pool's output in each dimension; null keeps the input's. */
export type AdaptiveSize = number | readonly (number | null)[];

/** One number for each of the last `dims` dimensions of `input`. */
function adaptiveSize(where: string, input: Tensor, size: AdaptiveSize, dims: number): number[] {
  const sizes = typeof size === "number" ? Array<number>(dims).fill(size) : size;
  const own = input.shape.slice(-dims);
  if (sizes.length !== dims || own.length !== dims)
    throw new TorchError(
      `${where}: expected ${dims} output sizes and an input with as many dimensions at least, got [${sizes.join(", ")}] for shape [${input.shape.join(", ")}]`,
    );
  return sizes.map((each, d) => each ?? own[d]!);
}

/** What an adaptive size may be. */
export const ADAPTIVE_SIZE = either(count, arrayOf(nullable(count)));

function sizeFor(where: string, input: Tensor, outputSize: AdaptiveSize, dims: number): number[] {
  checkArgument(where, "input", input, tensor);
  checkArgument(where, "outputSize", outputSize, ADAPTIVE_SIZE);
  return adaptiveSize(where, input, outputSize, dims);
}

function averagePool(dims: number, operator: (input: Tensor, size: number[]) => Tensor) {
  const name = `adaptiveAvgPool${dims}d`;
  return (input: Tensor, outputSize: AdaptiveSize, ...surplus: never[]): Tensor => {
    refuseSurplus(name, surplus);
    return operator(input, sizeFor(name, input, outputSize, dims));
  };
}

/** An adaptive max pooling: the maxima, or with `returnIndices` `[maxima, places]`. */
export interface AdaptiveMaxPoolFunction {
  (input: Tensor, outputSize: AdaptiveSize, options: { returnIndices: true }): [Tensor, Tensor];
  (input: Tensor, outputSize: AdaptiveSize, options?: { returnIndices?: false }): Tensor;
  (input: Tensor, outputSize: AdaptiveSize, options: { returnIndices: boolean }): Tensor | [Tensor, Tensor];
}

function maxPool(dims: number, operator: (input: Tensor, size: number[]) => [Tensor, Tensor]): AdaptiveMaxPoolFunction {
  const name = `adaptiveMaxPool${dims}d`;
  return ((input: Tensor, outputSize: AdaptiveSize, options: { returnIndices?: boolean } = {}, ...surplus: never[]) => {
    checkOptions(name, options, { returnIndices: flag }, surplus);
    const results = operator(input, sizeFor(name, input, outputSize, dims));
    return options.returnIndices ? results : results[0];
  }) as AdaptiveMaxPoolFunction;
}

/** Averages to a given size, null keeps the input's: (N, C, L) → (N, C, outputSize). */
export const adaptiveAvgPool1d = averagePool(1, operators.adaptiveAvgPool1d);
/** Averages to a given size, null keeps the input's: (N, C, H, W) → (N, C, …outputSize). */
export const adaptiveAvgPool2d = averagePool(2, operators.adaptiveAvgPool2d);
/** Averages to a given size, null keeps the input's: (N, C, D, H, W) → (N, C, …outputSize). */
export const adaptiveAvgPool3d = averagePool(3, operators.adaptiveAvgPool3d);
/** Maxima to a given size, null keeps the input's: (N, C, L) → (N, C, outputSize). */
export const adaptiveMaxPool1d = maxPool(1, operators.adaptiveMaxPool1d);
/** Maxima to a given size, null keeps the input's: (N, C, H, W) → (N, C, …outputSize). */
export const adaptiveMaxPool2d = maxPool(2, operators.adaptiveMaxPool2d);
/** Maxima to a given size, null keeps the input's: (N, C, D, H, W) → (N, C, …outputSize). */
export const adaptiveMaxPool3d = maxPool(3, operators.adaptiveMaxPool3d);

/** An adaptive max pooling with the places of the maxima: `[maxima, places]`. */
export type AdaptiveMaxPoolWithIndices = (
  input: Tensor,
  outputSize: AdaptiveSize,
  ...surplus: never[]
) => [output: Tensor, indices: Tensor];

function withIndices(name: string, pool: AdaptiveMaxPoolFunction): AdaptiveMaxPoolWithIndices {
  return (input, outputSize, ...surplus) => {
    refuseSurplus(name, surplus);
    return pool(input, outputSize, { returnIndices: true });
  };
}

/** {@link adaptiveMaxPool1d} with the places of the maxima. */
export const adaptiveMaxPool1dWithIndices = withIndices("adaptiveMaxPool1dWithIndices", adaptiveMaxPool1d);
/** {@link adaptiveMaxPool2d} with the places of the maxima. */
export const adaptiveMaxPool2dWithIndices = withIndices("adaptiveMaxPool2dWithIndices", adaptiveMaxPool2d);
/** {@link adaptiveMaxPool3d} with the places of the maxima. */
export const adaptiveMaxPool3dWithIndices = withIndices("adaptiveMaxPool3dWithIndices", adaptiveMaxPool3d);
