import { Generator, scope, Tensor } from "../../torch";
import { withRandomStream } from "../../torch/random-stream";
import type { DatasetProtocol } from "../base/dataset";
import { collateValues } from "../pipeline/default-collate";
import type { Sample } from "../sample";
import { aboutSamples } from "./worker-errors";

/** Makes a batch of samples. */
export type Collate = (samples: readonly never[]) => unknown;

/** What samples are read from: anything with a length and samples by number. */
export interface SampleSet<T = unknown> {
  /** Number of samples. */
  readonly length: number;
  /** One sample. */
  get(index: number): T | Promise<T>;
}

/** What batches are made of: the same in every thread. */
export interface BatchSource {
  readonly dataset: SampleSet;
  /** Null: PyTorch's default collate. */
  readonly collate: Collate | null;
}

/** One batch to load; plain data. */
export interface BatchTask {
  /** Numbers of the samples; one number: a sample that is not collated. */
  readonly indices: readonly number[] | number;
  /** Where the random numbers start that loading this batch draws. */
  readonly seed: bigint;
  /** Adds how long loading and collating took, and expects mappings. */
  readonly timed: boolean;
  /** Puts tensors into page-locked memory. */
  readonly pin: boolean;
}

/** Generators that no load uses. */
const idle: Generator[] = [];

/**
 * Loads, processes and collates one batch, in whatever thread. Everything that draws from the default generator meanwhile draws
 * from a stream of the batch's own, so that a batch depends on its samples and its seed alone.
 *
 * @param onSample - called after each sample
 * @throws what loading threw, with the samples before its message
 */
export async function loadBatch(
  source: BatchSource,
  task: BatchTask,
  onSample: () => void = () => undefined,
): Promise<unknown> {
  const generator = (idle.pop() ?? new Generator()).manualSeed(task.seed);
  try {
    return await scope(async () =>
      withRandomStream(generator, async () => {
        const batch = await (task.timed ? timedBatch(source, task, onSample) : plainBatch(source, task, onSample));
        return task.pin ? pinned(batch) : batch;
      }),
    );
  } finally {
    idle.push(generator);
  }
}

async function plainBatch(
  { dataset, collate }: BatchSource,
  { indices }: BatchTask,
  onSample: () => void,
): Promise<unknown> {
  if (typeof indices === "number") {
    const sample = await sampleOf(dataset, indices);
    onSample();
    return collate === null ? sample : collated(() => collate(sample as never), [indices]);
  }
  const samples: unknown[] = [];
  for (const index of indices) {
    samples.push(await sampleOf(dataset, index));
    onSample();
  }
  return collated(() => (collate === null ? collateValues(samples) : collate(samples as never[])), indices);
}

async function timedBatch(
  { dataset, collate }: BatchSource,
  { indices }: BatchTask,
  onSample: () => void,
): Promise<unknown> {
  const samples: Sample[] = [];
  let loading: number | null = null;
  for (const index of indices as readonly number[]) {
    const { __meta_time_getitem: seconds, ...sample } = (await sampleOf(dataset, index)) as Sample;
    if (typeof seconds === "number") loading = (loading ?? 0) + seconds;
    samples.push(sample);
    onSample();
  }
  const start = performance.now();
  const batch = await collated(
    () => (collate === null ? collateValues(samples) : collate(samples as never[])),
    indices as readonly number[],
  );
  if (typeof batch !== "object" || batch === null)
    throw new TypeError(`expected a mapping from the pipeline of a data set, received ${typeof batch}`);
  return {
    ...batch,
    __meta_time_collate: (performance.now() - start) / 1000,
    ...(loading === null ? {} : { __meta_time_getitem: loading }),
  };
}

async function sampleOf(dataset: SampleSet, index: number): Promise<unknown> {
  try {
    return await dataset.get(index);
  } catch (error) {
    throw aboutSamples(error, `sample ${index}${placeOf(dataset, index, error)}`, [index]);
  }
}

/** File or folder of a sample, where the data set tells it and the message does not. */
function placeOf(dataset: SampleSet, index: number, error: unknown): string {
  const { sampleInfo } = dataset as Partial<Pick<DatasetProtocol, "sampleInfo">>;
  const uri = sampleInfo?.call(dataset, index)?.sample_uri;
  return typeof uri !== "string" || String((error as Error | null)?.message).includes(uri) ? "" : ` (${uri})`;
}

async function collated(collate: () => unknown, indices: readonly number[]): Promise<unknown> {
  try {
    return await collate();
  } catch (error) {
    throw aboutSamples(error, `samples ${indices.join(", ")}`, indices);
  }
}

/** The value with its tensors in page-locked memory, also nested in arrays, plain objects and maps. */
function pinned(value: unknown): unknown {
  if (value instanceof Tensor) return value.device === "cpu" ? value.pinMemory() : value;
  if (Array.isArray(value)) return value.map(pinned);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, pinned(item)]));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pinned(item)]));
}
