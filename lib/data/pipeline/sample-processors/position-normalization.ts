import { keep, type Tensor } from "../../../torch";
import { defineConfig, float, list, set, str, validateConfig } from "../../../config/schema";
import { toTensor } from "../../preprocessors/to-tensor";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf } from "../sample-processor";
import { checkBox, scaleFromBox } from "../scaling";
import { register } from "../../../config/registry";

const Options = defineConfig("PositionNormalizationSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Keys of the sample to normalize. */
    items: set(str()),
    /** Smallest coordinate of each axis, or one for all. */
    raw_pos_min: list(float()),
    /** Largest coordinate of each axis, or one for all. */
    raw_pos_max: list(float()),
    /** Length that the range is mapped to. */
    scale: float().default(1000),
  },
});

/** Maps positions from the box `raw_pos_min` … `raw_pos_max` to `[0, scale]`; leading dimensions are free, bounds unchecked. */
export class PositionNormalizationSampleProcessor extends SampleProcessor {
  readonly items: readonly string[];
  readonly scale: number;
  readonly rawPosMin: Tensor;
  readonly rawPosMax: Tensor;

  constructor(options: {
    items: Iterable<string>;
    raw_pos_min: readonly number[];
    raw_pos_max: readonly number[];
    scale?: number;
  }) {
    super();
    const { items, raw_pos_min, raw_pos_max, scale } = validateConfig(Options, {
      ...options,
      items: [...options.items],
    });
    checkBox(this, raw_pos_min, raw_pos_max);
    this.items = items;
    this.scale = scale;
    this.rawPosMin = keep(toTensor(raw_pos_min));
    this.rawPosMax = keep(toTensor(raw_pos_max));
  }

  override process(sample: Sample): Sample {
    const result = { ...sample };
    for (const item of this.items) result[item] = scaleFromBox(tensorOf(sample, item, this), this);
    return result;
  }
}

register("noether.data.pipeline.sample_processors.PositionNormalizationSampleProcessor", {
  class: PositionNormalizationSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.position_normalization.PositionNormalizationSampleProcessor"],
});
