import {
  checkArgument,
  checkOptions,
  count,
  eachDimension,
  flag,
  nullable,
  oneOf,
  real,
  tensor,
  type KindsOf,
} from "../../arguments";
import * as operators from "../../operators.generated";
import { TorchError } from "../../errors";
import type { Tensor } from "../../tensor";

/** Options of {@link interpolate}; give `size` or `scaleFactor`. */
export interface InterpolateOptions {
  /** Size of the result, one number for all dimensions or one each. */
  size?: number | readonly number[] | null;
  /** Factor on the size, one number for all dimensions or one each. */
  scaleFactor?: number | readonly number[] | null;
  /**
   * Default `"nearest"`. `linear`, `bilinear` and `trilinear` are for 1, 2 and 3 spatial dimensions, `bicubic` for 2; `area` averages.
   * `nearest-exact` takes the entries that other libraries take.
   */
  mode?: "nearest" | "nearest-exact" | "linear" | "bilinear" | "bicubic" | "trilinear" | "area";
  /** Corner entries stay where they are (default false; only for the linear modes and `bicubic`). */
  alignCorners?: boolean | null;
  /** Compute the factor again from the size that `scaleFactor` gives (default false). */
  recomputeScaleFactor?: boolean | null;
  /** Smooth when making smaller (default false; `bilinear` and `bicubic` only). */
  antialias?: boolean;
}

export const INTERPOLATE = {
  size: nullable(eachDimension(count)),
  scaleFactor: nullable(eachDimension(real)),
  mode: oneOf("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"),
  alignCorners: nullable(flag),
  recomputeScaleFactor: nullable(flag),
  antialias: flag,
} satisfies KindsOf<InterpolateOptions>;

/** Modes between entries, which know corners. */
const BETWEEN = new Set(["linear", "bilinear", "bicubic", "trilinear"]);

/** Resizes the spatial dimensions: (N, C, …spatial) → (N, C, …size). */
export function interpolate(input: Tensor, options: InterpolateOptions = {}, ...surplus: never[]): Tensor {
  checkArgument("interpolate", "input", input, tensor);
  checkOptions("interpolate", options, INTERPOLATE, surplus);
  const { mode = "nearest", recomputeScaleFactor = false, antialias = false } = options;
  const alignCorners = options.alignCorners ?? false;
  const dims = input.ndim - 2;
  let [size, scaleFactor] = [options.size ?? null, options.scaleFactor ?? null];
  if ((size === null) === (scaleFactor === null)) {
    throw new TorchError("interpolate: expected either size or scaleFactor, got both or neither");
  }
  if (alignCorners && !BETWEEN.has(mode))
    throw new TorchError(`interpolate: expected alignCorners with a mode that interpolates, got it with "${mode}"`);
  if (antialias && !((mode === "bilinear" || mode === "bicubic") && dims === 2))
    throw new TorchError(`interpolate: expected antialias with "bilinear" or "bicubic" of images, got "${mode}"`);
  if (recomputeScaleFactor && scaleFactor === null)
    throw new TorchError("interpolate: expected recomputeScaleFactor with scaleFactor, got size");
  if (scaleFactor !== null && (recomputeScaleFactor || mode === "area")) {
    const factors = perDimension(scaleFactor, dims);
    size = input.shape.slice(2).map((entries, d) => Math.floor(entries * factors[d]!));
    scaleFactor = null;
  }
  const outputSize = size === null ? null : perDimension(size, dims);
  const scales = scaleFactor === null ? null : perDimension(scaleFactor, dims);
  switch (`${mode} ${dims}`) {
    case "nearest 1":
      return operators.upsampleNearest1d(input, outputSize, scales);
    case "nearest 2":
      return operators.upsampleNearest2d(input, outputSize, scales);
    case "nearest 3":
      return operators.upsampleNearest3d(input, outputSize, scales);
    case "nearest-exact 1":
      return operators._upsampleNearestExact1d(input, outputSize, scales);
    case "nearest-exact 2":
      return operators._upsampleNearestExact2d(input, outputSize, scales);
    case "nearest-exact 3":
      return operators._upsampleNearestExact3d(input, outputSize, scales);
    case "area 1":
      return operators.adaptiveAvgPool1d(input, outputSize!);
    case "area 2":
      return operators.adaptiveAvgPool2d(input, outputSize!);
    case "area 3":
      return operators.adaptiveAvgPool3d(input, outputSize!);
    case "linear 1":
      return operators.upsampleLinear1d(input, outputSize, alignCorners, scales);
    case "bilinear 2":
      return (antialias ? operators._upsampleBilinear2dAa : operators.upsampleBilinear2d)(
        input,
        outputSize,
        alignCorners,
        scales,
      );
    case "bicubic 2":
      return (antialias ? operators._upsampleBicubic2dAa : operators.upsampleBicubic2d)(
        input,
        outputSize,
        alignCorners,
        scales,
      );
    case "trilinear 3":
      return operators.upsampleTrilinear3d(input, outputSize, alignCorners, scales);
    default:
      throw new TorchError(
        `interpolate: expected an input (N, C, …) that fits mode "${mode}", got shape [${input.shape.join(", ")}]`,
      );
  }
}

function perDimension(value: number | readonly number[], dims: number): readonly number[] {
  if (typeof value === "number") return Array<number>(dims).fill(value);
  if (value.length !== dims)
    throw new TorchError(`interpolate: expected one number or ${dims}, got [${value.join(", ")}]`);
  return value;
}
