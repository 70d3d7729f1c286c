import type { z } from "zod";
import { bool, defineConfig, optional, str, validateConfig, type FieldType } from "../../../config/schema";
import { keep, scope, type Tensor } from "../../../torch";
import { ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { toTensor } from "../to-tensor";
import { ShiftAndScaleNormalizer } from "./shift-and-scale";
import { flatten, shapeOf, tensorValue } from "./tensor-value";

/** Mean and standard deviation per channel; with `logscale` those of the log-scaled data. */
export const MeanStdNormalizerConfig = defineConfig("MeanStdNormalizerConfig", {
  extra: "forbid",
  fields: {
    kind: optional(str()),
    /** Mean: one number, or one of each channel. */
    mean: tensorValue(),
    /** Standard deviation, in the same form. */
    std: tensorValue(),
    /** Takes the signed logarithm first. */
    logscale: bool().default(false),
  },
});
export type MeanStdNormalizerConfig = z.output<typeof MeanStdNormalizerConfig>;

/** `(x - mean) / std`; with `logscale` on the log-scaled data, whose statistics mean and std then are. */
export class MeanStdNormalization extends ShiftAndScaleNormalizer {
  static override readonly schema: FieldType = MeanStdNormalizerConfig;
  /** Smallest divisor. */
  static readonly EPSILON = 1e-6;
  readonly mean: Tensor;
  readonly std: Tensor;

  constructor(
    config: MeanStdNormalizerConfig | { mean: unknown; std: unknown; logscale?: boolean },
    normalizationKey: string,
  ) {
    const { mean, std, logscale } = validateConfig(MeanStdNormalizerConfig, config);
    const [meanShape, stdShape] = [shapeOf(mean)!.join(", "), shapeOf(std)!.join(", ")];
    if (meanShape !== stdShape)
      throw new ValueError(
        `expected mean and std of "${normalizationKey}" to have the same shape, received (${meanShape}) and (${stdShape})`,
      );
    if (flatten(std).some((value) => value === 0))
      throw new ValueError(`expected std of "${normalizationKey}" without zeros`);
    if (flatten(std).some((value) => value < 0))
      throw new ValueError(`expected std of "${normalizationKey}" without negative values`);
    // float32 throughout, in this order: published checkpoints were trained with these roundings
    const [shift, scale] = scope((): [Tensor, Tensor] => [
      toTensor(mean).neg(),
      toTensor(std).clamp(MeanStdNormalization.EPSILON).reciprocal(),
    ]);
    super({ shift, scale, logscale }, normalizationKey);
    this.mean = keep(toTensor(mean));
    this.std = keep(toTensor(std));
  }
}

register("noether.data.preprocessors.normalizers.MeanStdNormalization", { class: MeanStdNormalization });
