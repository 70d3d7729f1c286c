import type { z } from "zod";
import { defineConfig, float, optional, str, validateConfig, type FieldType } from "../../../config/schema";
import { keep, scope, type Tensor } from "../../../torch";
import { ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { toTensor } from "../to-tensor";
import { ShiftAndScaleNormalizer } from "./shift-and-scale";
import { flatten, sameShape, tensorValue } from "./tensor-value";

/** Corners of the box that is mapped to `[0, scale]` in every dimension. */
export const PositionNormalizerConfig = defineConfig("PositionNormalizerConfig", {
  extra: "forbid",
  fields: {
    kind: optional(str()),
    /** Smallest coordinate: one number, or one of each axis. */
    raw_pos_min: tensorValue(),
    /** Largest coordinate, in the same form. */
    raw_pos_max: tensorValue(),
    /** Length that the range is mapped to. */
    scale: float({ gt: 0 }).default(1000),
  },
  check: ({ raw_pos_min, raw_pos_max }, complain) => {
    if (!sameShape(raw_pos_min, raw_pos_max, "raw_pos_min and raw_pos_max", complain)) return;
    const min = flatten(raw_pos_min);
    const bad = flatten(raw_pos_max).flatMap((max, index) => (max > min[index]! ? [] : [index]));
    if (bad.length > 0) complain(`expected raw_pos_max > raw_pos_min in every entry; not so at ${bad.join(", ")}`);
  },
});
export type PositionNormalizerConfig = z.output<typeof PositionNormalizerConfig>;

/** Rounding that a point on the border of the box may have, relative to the scale. */
const TOLERANCE = 1e-5;

/** Points that extend over so many boxes are hardly in the unit of the box. */
const OTHER_UNIT = 100;

/**
 * Maps the box from `raw_pos_min` to `raw_pos_max` to `[0, scale]` in every dimension. A point outside is an error; one
 * that only float32 rounding carries outside is not.
 */
export class PositionNormalizer extends ShiftAndScaleNormalizer {
  static override readonly schema: FieldType = PositionNormalizerConfig;
  readonly rawPosMin: Tensor;
  readonly rawPosMax: Tensor;
  /** Length of the box after scaling. */
  readonly resizingScale: number;

  constructor(
    config: PositionNormalizerConfig | { raw_pos_min: unknown; raw_pos_max: unknown; scale?: number },
    normalizationKey: string,
  ) {
    const { raw_pos_min, raw_pos_max, scale: resizingScale } = validateConfig(PositionNormalizerConfig, config);
    const [shift, scale] = scope((): [Tensor, Tensor] => {
      const [min, max] = [toTensor(raw_pos_min), toTensor(raw_pos_max)];
      return [min.neg(), toTensor(resizingScale).div(max.sub(min))];
    });
    super({ shift, scale }, normalizationKey);
    this.rawPosMin = keep(toTensor(raw_pos_min));
    this.rawPosMax = keep(toTensor(raw_pos_max));
    this.resizingScale = resizingScale;
  }

  override apply(x: Tensor): Tensor {
    const y = super.apply(x);
    const tolerance = TOLERANCE * this.resizingScale;
    const [low, high] = scope(() => limits(y));
    if (low < -tolerance || high > this.resizingScale + tolerance) {
      const isOtherUnit = high - low > OTHER_UNIT * this.resizingScale;
      throw new ValueError(
        `expected positions of "${this.normalizationKey}" between raw_pos_min and raw_pos_max; scaled they lie in ` +
          `[${low}, ${high}] instead of [0, ${this.resizingScale}]` +
          (isOtherUnit ? "; are they in the unit of these two (mm beside m)?" : ""),
      );
    }
    return y;
  }
}

register("noether.data.preprocessors.normalizers.PositionNormalizer", { class: PositionNormalizer });

/** Smallest and largest value; NaN, which a data set may have let pass, are none. */
function limits(y: Tensor): [number, number] {
  const [low, high] = [y.min().item(), y.max().item()];
  if (!Number.isNaN(low)) return [low, high];
  const isNumber = y.isnan().logicalNot();
  if (!isNumber.any().item()) return [0, 0];
  const numbers = y.maskedSelect(isNumber);
  return [numbers.min().item(), numbers.max().item()];
}
