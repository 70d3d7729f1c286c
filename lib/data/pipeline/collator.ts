import type { BatchMap, Sample } from "../sample";
import { defaultCollate } from "./default-collate";
import { register } from "../../config/registry";

/** Makes a batch of samples. The base class stacks every key; see {@link defaultCollate}. */
export class Collator {
  collate(samples: readonly Sample[]): BatchMap {
    return defaultCollate(samples);
  }
}

register("noether.data.pipeline.Collator", {
  class: Collator,
  aliases: ["noether.data.Collator", "noether.data.pipeline.collator.Collator"],
});
