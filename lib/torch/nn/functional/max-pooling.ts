/** Maxima over windows and adaptive sizes, with PyTorch's `returnIndices`. */
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  either,
  flag,
  isPlainObject,
  nullable,
  refuseSurplus,
  tensor,
} from "../../arguments";
import * as operators from "../../operators.generated";
import type { Tensor } from "../../tensor";
import { adaptiveSize, type AdaptiveSize } from "./pooling";

type Size = number | readonly number[];

/** The arguments of {@link maxPool2d} and its kin that have a default. */
export interface MaxPoolOptions {
  /** Step between windows (default: the kernel's size). */
  stride?: Size | null;
  /** Entries of −∞ at each border (default 0). */
  padding?: Size;
  /** Step between a window's entries (default 1). */
  dilation?: Size;
  /** Round the number of windows up (default false). */
  ceilMode?: boolean;
  /** Give the places of the maxima too (default false). */
  returnIndices?: boolean;
}

/** A max pooling: the maxima, or with `returnIndices` `[maxima, places]`. */
export interface MaxPool {
  (input: Tensor, kernelSize: Size, options: MaxPoolOptions & { returnIndices: true }): [Tensor, Tensor];
  (input: Tensor, kernelSize: Size, options?: MaxPoolOptions & { returnIndices?: false }): Tensor;
  (
    input: Tensor,
    kernelSize: Size,
    stride?: Size | null,
    padding?: Size,
    dilation?: Size,
    ceilMode?: boolean,
    options?: { returnIndices?: boolean },
  ): Tensor;
}

/** Takes `returnIndices` out of the options, which are last. */
function splitReturnIndices(where: string, given: readonly unknown[]): [returnIndices: boolean, rest: unknown[]] {
  const last = given.at(-1);
  if (!isPlainObject(last)) return [false, [...given]];
  const { returnIndices = false, stride, ...options } = last;
  checkArgument(where, "returnIndices", returnIndices, flag);
  const named = { ...options, ...(stride === undefined || stride === null ? {} : { stride }) };
  return [returnIndices as boolean, [...given.slice(0, -1), ...(Object.keys(named).length > 0 ? [named] : [])]];
}

function maxPool(name: string, plain: unknown, withIndices: unknown): MaxPool {
  const pool = (...given: unknown[]): unknown => {
    const [returnIndices, rest] = splitReturnIndices(name, given);
    return ((returnIndices ? withIndices : plain) as (...args: unknown[]) => unknown)(
      ...rest.map((value, index) => (index === 2 && value === null ? undefined : value)),
    );
  };
  Object.defineProperty(pool, "name", { value: name });
  return pool as MaxPool;
}

/** Maxima over windows: (N, C, L) → (N, C, L'). */
export const maxPool1d = maxPool("maxPool1d", operators.maxPool1d, operators.maxPool1dWithIndices);
/** Maxima over windows: (N, C, H, W) → (N, C, H', W'). */
export const maxPool2d = maxPool("maxPool2d", operators.maxPool2d, operators.maxPool2dWithIndices);
/** Maxima over windows: (N, C, D, H, W) → (N, C, D', H', W'). */
export const maxPool3d = maxPool("maxPool3d", operators.maxPool3d, operators.maxPool3dWithIndices);

const SIZE = either(count, arrayOf(nullable(count)));

function adaptive<Result>(name: string, dims: number, operator: (input: Tensor, size: number[]) => Result) {
  return (input: Tensor, outputSize: AdaptiveSize): Result => {
    checkArgument(name, "input", input, tensor);
    checkArgument(name, "outputSize", outputSize, SIZE);
    return operator(input, adaptiveSize(input, outputSize, dims));
  };
}

const averages = [operators.adaptiveAvgPool1d, operators.adaptiveAvgPool2d, operators.adaptiveAvgPool3d];
const maxima = [operators.adaptiveMaxPool1d, operators.adaptiveMaxPool2d, operators.adaptiveMaxPool3d];

function adaptiveAverage(dims: 1 | 2 | 3) {
  const name = `adaptiveAvgPool${dims}d`;
  const pool = adaptive(name, dims, averages[dims - 1]! as typeof operators.adaptiveAvgPool2d);
  return (input: Tensor, outputSize: AdaptiveSize, ...surplus: never[]): Tensor => {
    refuseSurplus(name, surplus);
    return pool(input, outputSize);
  };
}

/** An adaptive max pooling: the maxima, or with `returnIndices` `[maxima, places]`. */
export interface AdaptiveMaxPoolFunction {
  (input: Tensor, outputSize: AdaptiveSize, options: { returnIndices: true }): [Tensor, Tensor];
  (input: Tensor, outputSize: AdaptiveSize, options?: { returnIndices?: false }): Tensor;
}

function adaptiveMaximum(dims: 1 | 2 | 3): AdaptiveMaxPoolFunction {
  const name = `adaptiveMaxPool${dims}d`;
  const pool = adaptive(name, dims, maxima[dims - 1]! as typeof operators.adaptiveMaxPool2d);
  return ((input: Tensor, outputSize: AdaptiveSize, options: { returnIndices?: boolean } = {}, ...surplus: never[]) => {
    checkOptions(name, options, { returnIndices: flag }, surplus);
    const results = pool(input, outputSize);
    return options.returnIndices ? results : results[0];
  }) as AdaptiveMaxPoolFunction;
}

/** Averages to a given size, null keeps the input's: (N, C, L) → (N, C, outputSize). */
export const adaptiveAvgPool1d = adaptiveAverage(1);
/** Averages to a given size, null keeps the input's: (N, C, H, W) → (N, C, …outputSize). */
export const adaptiveAvgPool2d = adaptiveAverage(2);
/** Averages to a given size, null keeps the input's: (N, C, D, H, W) → (N, C, …outputSize). */
export const adaptiveAvgPool3d = adaptiveAverage(3);
/** Maxima to a given size, null keeps the input's: (N, C, L) → (N, C, outputSize). */
export const adaptiveMaxPool1d = adaptiveMaximum(1);
/** Maxima to a given size, null keeps the input's: (N, C, H, W) → (N, C, …outputSize). */
export const adaptiveMaxPool2d = adaptiveMaximum(2);
/** Maxima to a given size, null keeps the input's: (N, C, D, H, W) → (N, C, …outputSize). */
export const adaptiveMaxPool3d = adaptiveMaximum(3);
