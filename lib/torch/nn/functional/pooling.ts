/** Pooling that is no operator of its own: p-norms, fractional windows. */
import {
  checkArgument,
  checkOptions,
  eachDimension,
  flag,
  nullable,
  positive,
  real,
  tensor,
  type KindsOf,
} from "../../arguments";
import { TorchError } from "../../errors";
import * as operators from "../../operators.generated";
import type { Tensor } from "../../tensor";

type Size = number | readonly number[];

/** Options of {@link lpPool1d} and its kin. */
export interface LPPoolOptions {
  /** Step between windows (default: the kernel's size). */
  stride?: Size | null;
  /** Round the number of windows up (default false). */
  ceilMode?: boolean;
}
const LP = { stride: nullable(eachDimension(positive)), ceilMode: flag } satisfies KindsOf<LPPoolOptions>;

function lpPool(
  where: string,
  average: (x: Tensor, kernelSize: Size, stride: Size, padding: Size, ceilMode: boolean) => Tensor,
  dims: number,
  [input, normType, kernelSize]: [Tensor, number, Size],
  options: LPPoolOptions,
  surplus: readonly unknown[],
): Tensor {
  checkArgument(where, "input", input, tensor);
  checkArgument(where, "normType", normType, real);
  checkArgument(where, "kernelSize", kernelSize, eachDimension(positive));
  checkOptions(where, options, LP, surplus);
  const mean = average(input.pow(normType), kernelSize, options.stride ?? kernelSize, 0, options.ceilMode ?? false);
  const entries = typeof kernelSize === "number" ? kernelSize ** dims : kernelSize.reduce((a, b) => a * b, 1);
  return mean
    .sign()
    .mul(operators.relu(mean.abs()))
    .mul(entries)
    .pow(1 / normType);
}

/** (Σ xᵖ)^(1/p) over windows: (N, C, L) → (N, C, L'). */
export function lpPool1d(
  input: Tensor,
  normType: number,
  kernelSize: Size,
  options: LPPoolOptions = {},
  ...surplus: never[]
): Tensor {
  return lpPool("lpPool1d", operators.avgPool1d, 1, [input, normType, kernelSize], options, surplus);
}

/** (Σ xᵖ)^(1/p) over windows: (N, C, H, W) → (N, C, H', W'). */
export function lpPool2d(
  input: Tensor,
  normType: number,
  kernelSize: Size,
  options: LPPoolOptions = {},
  ...surplus: never[]
): Tensor {
  return lpPool("lpPool2d", operators.avgPool2d, 2, [input, normType, kernelSize], options, surplus);
}

/** (Σ xᵖ)^(1/p) over windows: (N, C, D, H, W) → (N, C, D', H', W'). */
export function lpPool3d(
  input: Tensor,
  normType: number,
  kernelSize: Size,
  options: LPPoolOptions = {},
  ...surplus: never[]
): Tensor {
  return lpPool("lpPool3d", operators.avgPool3d, 3, [input, normType, kernelSize], options, surplus);
}

/** Options of {@link fractionalMaxPool2d} and {@link fractionalMaxPool3d}; give `outputSize` or `outputRatio`. */
export interface FractionalMaxPoolOptions {
  outputSize?: Size | null;
  /** Output size as a share of the input's, between 0 and 1. */
  outputRatio?: Size | null;
  /** Give the places of the maxima too (default false). */
  returnIndices?: boolean;
  /** Where windows begin: uniform numbers (N, C, dims); drawn where they are not given. */
  _randomSamples?: Tensor | null;
}
export const FRACTIONAL = {
  outputSize: nullable(eachDimension(positive)),
  outputRatio: nullable(eachDimension(real)),
  returnIndices: flag,
  _randomSamples: nullable(tensor),
} satisfies KindsOf<FractionalMaxPoolOptions>;

function fractionalMaxPool(
  where: string,
  pool: typeof operators.fractionalMaxPool2d,
  dims: number,
  [input, kernelSize]: [Tensor, Size],
  options: FractionalMaxPoolOptions,
  surplus: readonly unknown[],
): Tensor | [Tensor, Tensor] {
  checkArgument(where, "input", input, tensor);
  checkArgument(where, "kernelSize", kernelSize, eachDimension(positive));
  checkOptions(where, options, FRACTIONAL, surplus);
  const { outputSize = null, outputRatio = null, returnIndices = false, _randomSamples = null } = options;
  if ((outputSize === null) === (outputRatio === null))
    throw new TorchError(`${where}: expected either outputSize or outputRatio, got both or neither`);
  const all = (size: Size): readonly number[] => (typeof size === "number" ? Array<number>(dims).fill(size) : size);
  const spatial = input.shape.slice(-dims);
  const size =
    outputSize === null ? all(outputRatio!).map((ratio, d) => Math.trunc(spatial[d]! * ratio)) : all(outputSize);
  const batch = input.ndim === dims + 1 ? 1 : input.size(0);
  const samples =
    _randomSamples ??
    operators.rand([batch, input.size(-dims - 1), dims], { dtype: input.dtype, device: input.device });
  const [output, indices] = pool(input, all(kernelSize), size, samples);
  return returnIndices ? [output, indices] : output;
}

/** Maxima over windows of random places: (N, C, H, W) → (N, C, H', W'). Graham 2014, arXiv 1412.6071. */
export function fractionalMaxPool2d(
  input: Tensor,
  kernelSize: Size,
  options: FractionalMaxPoolOptions,
  ...surplus: never[]
): Tensor | [Tensor, Tensor] {
  const pool = operators.fractionalMaxPool2d;
  return fractionalMaxPool("fractionalMaxPool2d", pool, 2, [input, kernelSize], options, surplus);
}

/** Maxima over windows of random places: (N, C, D, H, W) → (N, C, D', H', W'). Graham 2014, arXiv 1412.6071. */
export function fractionalMaxPool3d(
  input: Tensor,
  kernelSize: Size,
  options: FractionalMaxPoolOptions,
  ...surplus: never[]
): Tensor | [Tensor, Tensor] {
  const pool = operators.fractionalMaxPool3d;
  return fractionalMaxPool("fractionalMaxPool3d", pool, 3, [input, kernelSize], options, surplus);
}

/** {@link fractionalMaxPool2d} with the places of the maxima: `[maxima, places]`. */
export function fractionalMaxPool2dWithIndices(
  input: Tensor,
  kernelSize: Size,
  options: Omit<FractionalMaxPoolOptions, "returnIndices">,
  ...surplus: never[]
): [output: Tensor, indices: Tensor] {
  return fractionalMaxPool2d(input, kernelSize, { ...options, returnIndices: true }, ...surplus) as [Tensor, Tensor];
}

/** {@link fractionalMaxPool3d} with the places of the maxima: `[maxima, places]`. */
export function fractionalMaxPool3dWithIndices(
  input: Tensor,
  kernelSize: Size,
  options: Omit<FractionalMaxPoolOptions, "returnIndices">,
  ...surplus: never[]
): [output: Tensor, indices: Tensor] {
  return fractionalMaxPool3d(input, kernelSize, { ...options, returnIndices: true }, ...surplus) as [Tensor, Tensor];
}
