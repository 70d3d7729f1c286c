import { Tensor } from "../../torch";
import { ValueError } from "../../config/python-errors";
import { lookupKind } from "../../config/registry";
import type { BatchMap, Sample } from "../sample";
import type { BatchProcessor } from "./batch-processor";
import { Collator } from "./collator";
import { defaultCollate } from "./default-collate";
import type { SampleCollator } from "./sample-collator";
import type { SampleProcessor } from "./sample-processor";
import { register } from "../../config/registry";

/** A ready component, or its config: a mapping with `kind` and the arguments. */
export type ComponentLike<T> = T | (Record<string, unknown> & { kind: string });

type Components<T> = readonly ComponentLike<T>[] | Readonly<Record<string, ComponentLike<T>>> | null | undefined;

/** The steps of a {@link MultiStagePipeline}. */
export interface MultiStagePipelineOptions {
  readonly kind?: string;
  /** Make the parts of the batch; one that stacks every key when left out. */
  readonly collators?: Components<SampleCollator>;
  /** Work on each sample, in order. */
  readonly sample_processors?: Components<SampleProcessor>;
  /** Work on the batch, in order. */
  readonly batch_processors?: Components<BatchProcessor>;
}

/**
 * Samples → sample processors → collators → batch processors → batch.
 *
 * Processors run processor by processor over all samples, not sample by sample: that fixes the order in which unseeded
 * random sampling draws from the default generator. The samples given are never changed.
 */
export class MultiStagePipeline extends Collator {
  readonly sampleProcessors: readonly SampleProcessor[];
  readonly collators: readonly SampleCollator[];
  readonly batchProcessors: readonly BatchProcessor[];

  constructor(options: MultiStagePipelineOptions = {}) {
    super();
    this.sampleProcessors = build(options.sample_processors);
    const collators = build(options.collators);
    this.collators = collators.length > 0 ? collators : [{ collate: defaultCollate }];
    this.batchProcessors = build(options.batch_processors);
  }

  override collate(samples: readonly Sample[]): BatchMap {
    return this.collateProcessed(this.processSamples(samples));
  }

  /** The first stage of {@link collate}: what the sample processors make of the samples. */
  processSamples(samples: readonly Sample[]): Sample[] {
    let current = samples.map((sample) => deepCopy(sample) as Sample);
    for (const processor of this.sampleProcessors) current = current.map((sample) => processor.process(sample));
    return current;
  }

  /** The rest of {@link collate}: a batch of samples that have been processed. */
  collateProcessed(current: readonly Sample[]): BatchMap {
    let batch: BatchMap = {};
    for (const collator of this.collators) {
      for (const [key, value] of Object.entries(collator.collate(current))) {
        if (key in batch)
          throw new ValueError(`expected each batch key from one collator, but two of them make "${key}"`);
        batch[key] = value;
      }
    }
    for (const processor of this.batchProcessors) batch = processor.process(batch);
    return batch;
  }

  /** The one sample processor for which the predicate holds. */
  getSampleProcessor(predicate: (processor: SampleProcessor) => boolean): SampleProcessor {
    const matches = this.sampleProcessors.filter(predicate);
    if (matches.length !== 1)
      throw new ValueError(
        `expected exactly one matching sample processor, found ${matches.length} of ${this.sampleProcessors.length}`,
      );
    return matches[0]!;
  }

  override toString(): string {
    const part = (count: number, name: string): string =>
      count === 0 ? "" : ` ${count} ${name}${count === 1 ? "" : "s"}`;
    return (
      "MultiStagePipeline with" +
      part(this.sampleProcessors.length, "sample processor") +
      part(this.collators.length, "collator") +
      part(this.batchProcessors.length, "batch processor")
    );
  }
}

register("noether.data.pipeline.MultiStagePipeline", {
  class: MultiStagePipeline,
  aliases: ["noether.data.MultiStagePipeline", "noether.data.pipeline.multistage.MultiStagePipeline"],
});

function build<T>(components: Components<T>): T[] {
  const list = Array.isArray(components) ? (components as ComponentLike<T>[]) : Object.values(components ?? {});
  return list.map((component) => {
    const prototype: unknown = Object.getPrototypeOf(component);
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
    if (!isPlain || typeof (component as { kind?: unknown }).kind !== "string") return component as T;
    const { kind, ...options } = component as Record<string, unknown> & { kind: string };
    const Component = lookupKind(kind).class as new (options: Record<string, unknown>) => T;
    return new Component(options);
  });
}

function deepCopy(value: unknown): unknown {
  if (value instanceof Tensor) return value.clone();
  if (Array.isArray(value)) return value.map(deepCopy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, deepCopy(entry)]));
}
