import { keep, type Tensor } from "../../../torch";
import { AssertionError } from "../../../config/python-errors";
import { defineConfig, float, list, str, validateConfig } from "../../../config/schema";
import { toTensor } from "../../preprocessors/to-tensor";
import type { BatchMap } from "../../sample";
import { BatchProcessor } from "../batch-processor";
import { tensorOf } from "../sample-processor";
import { checkDeviations, standardize, unstandardize } from "../scaling";
import { register } from "../../../config/registry";

const Options = defineConfig("MomentNormalizationBatchProcessor", {
  extra: "forbid",
  fields: {
    /** Keys of the batch to normalize. */
    items: list(str()),
    /** Mean of each channel. */
    mean: list(float()),
    /** Standard deviation of each channel. */
    std: list(float()),
  },
});

/** `(x - mean) / std` of tensors (N, C). */
export class MomentNormalizationBatchProcessor extends BatchProcessor {
  readonly items: readonly string[];
  readonly mean: Tensor;
  readonly std: Tensor;

  constructor(options: { items: readonly string[]; mean: readonly number[]; std: readonly number[] }) {
    super();
    const { items, mean, std } = validateConfig(Options, options);
    if (mean.length !== std.length)
      throw new AssertionError(
        `MomentNormalizationBatchProcessor: expected mean and std of equal length, received ${mean.length} and ${std.length}`,
      );
    checkDeviations(this, mean, std);
    this.items = items;
    this.mean = keep(toTensor([mean])); // (1, C)
    this.std = keep(toTensor([std])); // (1, C)
  }

  override process(batch: BatchMap): BatchMap {
    const result = { ...batch };
    for (const item of this.items) {
      result[item] = standardize(this.#matrix(item, tensorOf(batch, item, this)), this);
    }
    return result;
  }

  override denormalize(key: string, value: Tensor): readonly [string, Tensor] {
    if (!this.items.includes(key)) return [key, value];
    return [key, unstandardize(this.#matrix(key, value), this)];
  }

  #matrix(key: string, x: Tensor): Tensor {
    if (x.ndim !== 2)
      throw new AssertionError(
        `MomentNormalizationBatchProcessor: expected "${key}" of shape (N, C), received (${x.shape.join(", ")})`,
      );
    return x;
  }
}

register("noether.data.pipeline.batch_processors.MomentNormalizationBatchProcessor", {
  class: MomentNormalizationBatchProcessor,
  aliases: ["noether.data.pipeline.batch_processors.moment_normalization.MomentNormalizationBatchProcessor"],
});
