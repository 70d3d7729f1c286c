/** Maxima over windows, with PyTorch's `returnIndices`. */
import { checkArgument, flag, isPlainObject } from "../../arguments";
import * as operators from "../../operators.generated";
import type { Tensor } from "../../tensor";

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
  (input: Tensor, kernelSize: Size, stride?: Size | null, padding?: Size, dilation?: Size, ceilMode?: boolean): Tensor;
  (
    input: Tensor,
    kernelSize: Size,
    stride: Size | null,
    padding: Size,
    dilation: Size,
    ceilMode: boolean,
    options: { returnIndices: boolean },
  ): Tensor | [Tensor, Tensor];
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
