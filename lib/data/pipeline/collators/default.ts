import { defineConfig, list, optional, str, validateConfig } from "../../../config/schema";
import type { BatchMap, Sample } from "../../sample";
import { collateValues, pick } from "../default-collate";
import type { SampleCollator } from "../sample-collator";
import { register } from "../../../config/registry";

const Options = defineConfig("DefaultCollator", {
  extra: "forbid",
  fields: {
    /** Keys to stack; each sample has to have them. */
    items: optional(list(str())),
    /** Keys to stack where the first sample has them. */
    optional_items: optional(list(str())),
  },
});

/** Stacks some keys; the optional ones only where the first sample has them. */
export class DefaultCollator implements SampleCollator {
  readonly options;

  constructor(options: { items?: readonly string[] | null; optional_items?: readonly string[] | null } = {}) {
    this.options = validateConfig(Options, options);
  }

  collate(samples: readonly Sample[]): BatchMap {
    const { items, optional_items } = this.options;
    const present = (optional_items ?? []).filter((item) => samples[0] !== undefined && item in samples[0]);
    return Object.fromEntries(
      [...(items ?? []), ...present].map((item) => [item, collateValues(pick(samples, item), item, samples)]),
    );
  }
}

register("noether.data.pipeline.collators.DefaultCollator", {
  class: DefaultCollator,
  aliases: ["noether.data.pipeline.collators.default.DefaultCollator"],
});
