import type { BatchMap, Sample } from "../sample";
import { defaultCollate } from "./default-collate";

/** Makes a batch of samples. The base class stacks every key; see {@link defaultCollate}. */
export class Collator {
  collate(samples: readonly Sample[]): BatchMap {
    return defaultCollate(samples);
  }
}
