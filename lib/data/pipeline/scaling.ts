/** The arithmetic that normalizing processors of samples and of batches share. */
import type { Tensor } from "../../torch";
import { AssertionError, ValueError } from "../../config/python-errors";

/** Statistics (1, C), on the CPU. */
export interface Moments {
  readonly mean: Tensor;
  readonly std: Tensor;
}

/** `(x − mean) / std` per channel, where data are prepared: on the CPU. */
export function standardize(x: Tensor, { mean, std }: Moments): Tensor {
  return x.sub(mean).div(std);
}

/** Undoes {@link standardize} on the device of the value. */
export function unstandardize(y: Tensor, { mean, std }: Moments): Tensor {
  return y.mul(std.to(y.device)).add(mean.to(y.device));
}

/** A box in space, corners (P) or (1, P) on the CPU, and the length of its edges after scaling. */
export interface Box {
  readonly rawPosMin: Tensor;
  readonly rawPosMax: Tensor;
  readonly scale: number;
}

/** From the box to `[0, scale]` in every dimension, on the CPU. Leading dimensions are free, bounds unchecked. */
export function scaleFromBox(x: Tensor, { rawPosMin, rawPosMax, scale }: Box): Tensor {
  return x.sub(rawPosMin).div(rawPosMax.sub(rawPosMin)).mul(scale);
}

/** Undoes {@link scaleFromBox} on the device of the value. */
export function scaleToBox(y: Tensor, { rawPosMin, rawPosMax, scale }: Box): Tensor {
  const [min, max] = [rawPosMin.to(y.device), rawPosMax.to(y.device)];
  return y.div(scale).mul(max.sub(min)).add(min);
}

/** @throws AssertionError when the corners of a box differ in length, ValueError when the box has no extent in a dimension. */
export function checkBox(owner: object, min: readonly number[], max: readonly number[]): void {
  const name = owner.constructor.name;
  if (min.length !== max.length)
    throw new AssertionError(
      `${name}: expected raw_pos_min and raw_pos_max of equal length, received ${min.length} and ${max.length}`,
    );
  const flat = max.findIndex((value, axis) => !(value > min[axis]! && Number.isFinite(value - min[axis]!)));
  if (flat >= 0)
    throw new ValueError(
      `${name}: expected raw_pos_max > raw_pos_min on every axis, received ${min[flat]} and ${max[flat]} on axis ${flat}; positions would be divided by 0`,
    );
}

/** @throws ValueError for deviations that nothing can be divided by. */
export function checkDeviations(owner: object, mean: readonly number[], std: readonly number[]): void {
  const bad = std.findIndex(
    (value, channel) => !(value > 0 && Number.isFinite(value) && Number.isFinite(mean[channel])),
  );
  if (bad >= 0)
    throw new ValueError(
      `${owner.constructor.name}: expected finite means and deviations > 0, received ${mean[bad]} and ${std[bad]} for channel ${bad}; give a constant channel the deviation 1`,
    );
}
