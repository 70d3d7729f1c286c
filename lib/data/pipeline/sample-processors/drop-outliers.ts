import { quantile, type Tensor } from "../../../torch";
import { ValueError } from "../../../config/python-errors";
import { defineConfig, float, optional, set, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf, tensorWithRows } from "../sample-processor";
import { register } from "../../../config/registry";

const Options = defineConfig("DropOutliersSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Key of the values that are looked at (N, 1). */
    item: str(),
    /** Keys that lose the same rows. */
    affected_items: optional(set(str())),
    /** Rows below it are dropped. */
    min_value: optional(float()),
    /** Rows above it are dropped. */
    max_value: optional(float()),
    /** Rows below this quantile are dropped. */
    min_quantile: optional(float()),
    /** Rows above this quantile are dropped. */
    max_quantile: optional(float()),
  },
});

/**
 * Drops the rows whose `item`, a tensor (N, 1), lies outside the bounds (values, or quantiles of the unfiltered item), and
 * the same rows of the affected items. Without bounds nothing is dropped.
 */
export class DropOutliersSampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: {
    item: string;
    affected_items?: Iterable<string> | null;
    min_value?: number | null;
    max_value?: number | null;
    min_quantile?: number | null;
    max_quantile?: number | null;
  }) {
    super();
    this.options = validateConfig(Options, {
      ...options,
      affected_items: options.affected_items ? [...options.affected_items] : null,
    });
  }

  override process(sample: Sample): Sample {
    const { item, affected_items, min_value, max_value, min_quantile, max_quantile } = this.options;
    const column = tensorOf(sample, item, this);
    if (column.ndim !== 2 || column.size(1) !== 1)
      throw new ValueError(
        `DropOutliersSampleProcessor: expected "${item}" of shape (N, 1), received (${column.shape.join(", ")})`,
      );
    const values = column.squeeze(1); // (N,)
    const conditions: Tensor[] = [];
    if (min_value !== null) conditions.push(values.ge(min_value));
    if (max_value !== null) conditions.push(values.le(max_value));
    if (min_quantile !== null) conditions.push(values.ge(quantile(values, min_quantile)));
    if (max_quantile !== null) conditions.push(values.le(quantile(values, max_quantile)));
    if (conditions.length === 0) return { ...sample };
    const mask = conditions.reduce((all, condition) => all.logicalAnd(condition));
    const kept = mask.nonzero().squeeze(1); // (K,)
    const result = { ...sample };
    for (const key of new Set([item, ...(affected_items ?? [])]))
      result[key] = tensorWithRows(sample, key, column.size(0), item, this).indexSelect(0, kept);
    return result;
  }
}

register("noether.data.pipeline.sample_processors.DropOutliersSampleProcessor", {
  class: DropOutliersSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.drop_outliers.DropOutliersSampleProcessor"],
});
