import { defineConfig, int, optional, set, str, validateConfig } from "../../../config/schema";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf, tensorWithRows } from "../sample-processor";
import { samplePermutation } from "./seeded-permutation";
import { register } from "../../../config/registry";

const Options = defineConfig("SupernodeSamplingSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Key of the points (N, 3). */
    item: str(),
    /** How many are drawn. */
    num_supernodes: int({ ge: 0 }),
    /** Key of their indices. */
    supernode_idx_key: str().default("supernode_idx"),
    /** Keys whose rows there are added as `supernode_<key>`. */
    items_at_supernodes: optional(set(str())),
    /** The same supernodes of a sample each time; null: others each time. */
    seed: optional(int()),
  },
});

/**
 * Draws random rows of a point cloud as supernodes: adds their indices (S,), and for each of `items_at_supernodes` its rows
 * there under `supernode_<item>`. The point cloud stays as it is.
 */
export class SupernodeSamplingSampleProcessor extends SampleProcessor {
  readonly options;

  constructor(options: {
    item: string;
    num_supernodes: number;
    supernode_idx_key?: string;
    items_at_supernodes?: Iterable<string> | null;
    seed?: number | null;
  }) {
    super();
    const items = options.items_at_supernodes;
    this.options = validateConfig(Options, { ...options, items_at_supernodes: items ? [...items] : null });
  }

  override process(sample: Sample): Sample {
    const { item, num_supernodes, supernode_idx_key, items_at_supernodes, seed } = this.options;
    const rows = tensorOf(sample, item, this).size(0);
    const chosen = samplePermutation(rows, sample, seed, this).narrow(0, 0, Math.min(num_supernodes, rows)); // (S,)
    const result: Sample = { ...sample, [supernode_idx_key]: chosen };
    for (const key of items_at_supernodes ?? [])
      result[`supernode_${key}`] = tensorWithRows(sample, key, rows, item, this).indexSelect(0, chosen);
    return result;
  }
}

register("noether.data.pipeline.sample_processors.SupernodeSamplingSampleProcessor", {
  class: SupernodeSamplingSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.supernode_sampling.SupernodeSamplingSampleProcessor"],
});
