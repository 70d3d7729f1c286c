import {
  checkArgument,
  checkOptions,
  count,
  eachDimension,
  flag,
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
  size?: number | readonly number[];
  /** Factor on the size, one number for all dimensions or one each. */
  scaleFactor?: number | readonly number[];
  /** Default `"nearest"`. `linear`, `bilinear` and `trilinear` are for 1, 2 and 3 spatial dimensions, `bicubic` for 2. */
  mode?: "nearest" | "linear" | "bilinear" | "bicubic" | "trilinear";
  /** Corner entries stay where they are (default false; not for `"nearest"`). */
  alignCorners?: boolean;
}

const OPTIONS = {
  size: eachDimension(count),
  scaleFactor: eachDimension(real),
  mode: oneOf("nearest", "linear", "bilinear", "bicubic", "trilinear"),
  alignCorners: flag,
} satisfies KindsOf<InterpolateOptions>;

/** Resizes the spatial dimensions: (N, C, …spatial) → (N, C, …size). */
export function interpolate(input: Tensor, options: InterpolateOptions = {}, ...surplus: never[]): Tensor {
  checkArgument("interpolate", "input", input, tensor);
  checkOptions("interpolate", options, OPTIONS, surplus);
  const { size, scaleFactor, mode = "nearest", alignCorners = false } = options;
  const dims = input.ndim - 2;
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new TorchError("interpolate: expected either size or scaleFactor, got both or neither");
  }
  if (options.alignCorners === true && mode === "nearest")
    throw new TorchError('interpolate: expected alignCorners with a mode that interpolates, got it with "nearest"');
  const outputSize = size === undefined ? null : perDimension(size, dims);
  const scales = scaleFactor === undefined ? null : perDimension(scaleFactor, dims);
  switch (`${mode} ${dims}`) {
    case "nearest 1":
      return operators.upsampleNearest1d(input, outputSize, scales);
    case "nearest 2":
      return operators.upsampleNearest2d(input, outputSize, scales);
    case "nearest 3":
      return operators.upsampleNearest3d(input, outputSize, scales);
    case "linear 1":
      return operators.upsampleLinear1d(input, outputSize, alignCorners, scales);
    case "bilinear 2":
      return operators.upsampleBilinear2d(input, outputSize, alignCorners, scales);
    case "bicubic 2":
      return operators.upsampleBicubic2d(input, outputSize, alignCorners, scales);
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
