import { AssertionError, ValueError } from "../../../config/python-errors";
import { defineConfig, int, optional, set, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf, tensorWithRows } from "../sample-processor";
import { samplePermutation } from "./seeded-permutation";
import { register } from "../../../config/registry";

const Options = defineConfig("PointSamplingSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Keys that lose the same rows. */
    items: set(str()),
    /** Rows that are left. */
    num_points: int(),
    /** The same rows of a sample each time; null: others each time. */
    seed: optional(int()),
  },
});

/**
 * Draws `num_points` random rows, the same of every item, in random order; all rows where there are fewer. With a seed
 * (and `index` in the sample) a sample always gives the same points.
 */
export class PointSamplingSampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: { items: Iterable<string>; num_points: number; seed?: number | null }) {
    super();
    this.options = validateConfig(Options, { ...options, items: [...options.items] });
    if (this.options.num_points <= 0)
      throw new AssertionError(
        `PointSamplingSampleProcessor: expected num_points > 0, received ${this.options.num_points}`,
      );
    if (this.options.items.length === 0)
      throw new ValueError("PointSamplingSampleProcessor: expected at least one item to sample, received none");
  }

  override process(sample: Sample): Sample {
    const { items, num_points, seed } = this.options;
    const rows = tensorOf(sample, items[0]!, this).size(0);
    const chosen = samplePermutation(rows, sample, seed, this).narrow(0, 0, Math.min(num_points, rows)); // (K,)
    const result = { ...sample };
    for (const item of items) result[item] = tensorWithRows(sample, item, rows, items[0]!, this).indexSelect(0, chosen);
    return result;
  }
}

register("noether.data.pipeline.sample_processors.PointSamplingSampleProcessor", {
  class: PointSamplingSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.point_sampling.PointSamplingSampleProcessor"],
});
