/** Reading images at arbitrary places. */
import { arrayOf, checkArgument, checkOptions, flag, oneOf, positive, tensor, type KindsOf } from "../../arguments";
import { affineGridGenerator, gridSampler } from "../../operators.generated";
import type { Tensor } from "../../tensor";

/** Options of {@link gridSample}. */
export interface GridSampleOptions {
  /** Default `"bilinear"` (trilinear for volumes). */
  mode?: "bilinear" | "nearest" | "bicubic";
  /** What lies outside (default `"zeros"`). */
  paddingMode?: "zeros" | "border" | "reflection";
  /** −1 and 1 are the centres of the corner entries, not their outer corners (default false). */
  alignCorners?: boolean;
}
const OPTIONS = {
  mode: oneOf("bilinear", "nearest", "bicubic"),
  paddingMode: oneOf("zeros", "border", "reflection"),
  alignCorners: flag,
} satisfies KindsOf<GridSampleOptions>;

const MODES = { bilinear: 0, nearest: 1, bicubic: 2 };
const PADDINGS = { zeros: 0, border: 1, reflection: 2 };

/** Values of (N, C, H, W) at places (N, H', W', 2) from −1 to 1, x first → (N, C, H', W'); volumes with (N, D', H', W', 3). */
export function gridSample(input: Tensor, grid: Tensor, options: GridSampleOptions = {}, ...surplus: never[]): Tensor {
  checkArgument("gridSample", "input", input, tensor);
  checkArgument("gridSample", "grid", grid, tensor);
  checkOptions("gridSample", options, OPTIONS, surplus);
  const { mode = "bilinear", paddingMode = "zeros", alignCorners = false } = options;
  return gridSampler(input, grid, MODES[mode], PADDINGS[paddingMode], alignCorners);
}

/** The places at which {@link gridSample} reads for affine maps: theta (N, 2, 3), size [N, C, H, W] → (N, H, W, 2); (N, 3, 4) for volumes. */
export function affineGrid(
  theta: Tensor,
  size: readonly number[],
  options: { alignCorners?: boolean } = {},
  ...surplus: never[]
): Tensor {
  checkArgument("affineGrid", "theta", theta, tensor);
  checkArgument("affineGrid", "size", size, arrayOf(positive));
  checkOptions("affineGrid", options, { alignCorners: flag }, surplus);
  return affineGridGenerator(theta, size, options.alignCorners ?? false);
}
