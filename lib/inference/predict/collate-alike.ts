import { Collator, MultiStagePipeline, type Sample } from "../../data";
import type { BatchMap } from "../../data/sample";

/** Whether a pipeline makes of several samples what it makes of each alone, side by side, when it is seeded before each. */
export function collatesAlike(pipeline: Collator): boolean {
  const known = pipeline instanceof MultiStagePipeline ? MultiStagePipeline : Collator;
  return Reflect.get(pipeline, "collate") === Reflect.get(known.prototype, "collate");
}

/** A batch whose random choices are, for each sample, those that it would get alone. */
export function collateAlike(pipeline: Collator, samples: readonly Sample[], seed: () => void): BatchMap {
  seed();
  if (samples.length === 1 || !(pipeline instanceof MultiStagePipeline)) return pipeline.collate(samples);
  const processed = samples.map((sample) => {
    seed();
    return pipeline.processSamples([sample])[0]!;
  });
  return pipeline.collateProcessed(processed);
}
