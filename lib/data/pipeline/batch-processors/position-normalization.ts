import { keep, type Tensor } from "../../../torch";
import { AssertionError } from "../../../config/python-errors";
import { defineConfig, float, list, str, validateConfig } from "../../../config/schema";
import { toTensor } from "../../preprocessors/to-tensor";
import type { BatchMap } from "../../sample";
import { BatchProcessor } from "../batch-processor";
import { tensorOf } from "../sample-processor";
import { checkBox, scaleFromBox, scaleToBox } from "../scaling";
import { register } from "../../../config/registry";

const Options = defineConfig("PositionNormalizationBatchProcessor", {
  extra: "forbid",
  fields: {
    /** Keys of the batch to normalize. */
    items: list(str()),
    /** Smallest coordinate of each axis, or one for all. */
    raw_pos_min: list(float()),
    /** Largest coordinate of each axis, or one for all. */
    raw_pos_max: list(float()),
    /** Length that the range is mapped to. */
    scale: float().default(1000),
  },
});

/** Maps positions (N, P) or (B, N, P) from the box `raw_pos_min` … `raw_pos_max` to `[0, scale]`. */
export class PositionNormalizationBatchProcessor extends BatchProcessor {
  readonly items: readonly string[];
  readonly scale: number;
  readonly rawPosMin: Tensor;
  readonly rawPosMax: Tensor;

  constructor(options: {
    items: readonly string[];
    raw_pos_min: readonly number[];
    raw_pos_max: readonly number[];
    scale?: number;
  }) {
    super();
    const { items, raw_pos_min, raw_pos_max, scale } = validateConfig(Options, options);
    checkBox(this, raw_pos_min, raw_pos_max);
    this.items = items;
    this.scale = scale;
    this.rawPosMin = keep(toTensor([raw_pos_min])); // (1, P)
    this.rawPosMax = keep(toTensor([raw_pos_max])); // (1, P)
  }

  override process(batch: BatchMap): BatchMap {
    const result = { ...batch };
    for (const item of this.items) {
      const x = tensorOf(batch, item, this);
      if (x.ndim !== 2 && x.ndim !== 3)
        throw new AssertionError(
          `PositionNormalizationBatchProcessor: expected "${item}" with 2 or 3 dimensions, received (${x.shape.join(", ")})`,
        );
      result[item] = scaleFromBox(x, this);
    }
    return result;
  }

  override denormalize(key: string, value: Tensor): readonly [string, Tensor] {
    if (!this.items.includes(key)) return [key, value];
    return [key, scaleToBox(value, this)];
  }
}

register("noether.data.pipeline.batch_processors.PositionNormalizationBatchProcessor", {
  class: PositionNormalizationBatchProcessor,
  aliases: ["noether.data.pipeline.batch_processors.position_normalization.PositionNormalizationBatchProcessor"],
});
