import type { Tensor } from "../../torch";

/**
 * What the training loop needs to know of the data layer. `lib/data` implements these shapes; nothing here knows a file
 * format, and nothing in `lib/core` imports `lib/data`.
 */

/** One sample: property name to value. Tensors belong to whoever asked for the sample. */
export type Sample = Record<string, unknown>;

/** One collated batch: property name to tensor, null, or a list with one tensor. Keys that start with `__meta` hold timings. */
export type Batch = Record<string, unknown>;

/** A batch on its device without `__meta` entries: what a model and a callback get. */
export type DeviceBatch = Record<string, Tensor | null>;

/** Turns a list of samples into a {@link Batch}. */
export type CollatorLike = (samples: readonly Sample[]) => Batch;

/** A dataset as the training loop sees it. */
export interface DatasetLike {
  /** Number of samples. */
  readonly length: number;
  /** Collator of the dataset (sample processors, collators, batch processors), null: the default collate. */
  pipeline: CollatorLike | { collate(samples: readonly Sample[]): Batch } | null | undefined;
  /** One sample. */
  get(index: number): Promise<Sample> | Sample;
}

/** Yields sample indices, once per epoch. */
export interface SamplerLike extends Iterable<number> {
  readonly length: number;
  /** Distributed samplers derive their order from the epoch. */
  setEpoch?(epoch: number): void;
}

/** How {@link DataContainerLike.getDataLoader} orders and batches a dataset. */
export interface BatchOptions {
  /** Order of the samples, asked anew for each pass. Default: that of the dataset. */
  readonly sampler?: SamplerLike;
  /** Samples of a batch. */
  readonly batchSize: number;
  /** Leave out the last batch of a pass where it is not full. Default: false. */
  readonly dropLast?: boolean;
  /**
   * Where the random numbers start that samples and collating draw: batch k of a pass draws from a stream with seed + k. Default:
   * drawn from the default generator for each pass.
   */
  readonly seed?: bigint;
  /** Batches at the beginning of a pass that are left out, without loading them. The order is then drawn with the iterator. Default: 0. */
  readonly skip?: number;
}

/** The data sets of a run by name; `train` is the training set. */
export interface DataContainerLike {
  /** Seed of the loaders' own random numbers; null or none: the loader of training draws one from the default generator. */
  readonly seed?: number | null;
  /** In the order of the configuration, `train` included. */
  readonly datasets: Readonly<Record<string, DatasetLike>> | ReadonlyMap<string, DatasetLike>;
  /** `key` null: the first data set. `maxSize` cuts it, `properties` restricts what is loaded of a sample. */
  getDataset(key?: string | null, properties?: ReadonlySet<string> | null, maxSize?: number | null): DatasetLike;
  /** Random order (drawn from the default generator, once per epoch) or, without `shuffle`, the order of the data set. */
  getMainSampler(dataset: DatasetLike, shuffle?: boolean): SamplerLike;
  /** The batches of a dataset; each iteration is one pass. Tensors belong to whoever pulls them. */
  getDataLoader(dataset: DatasetLike, options: BatchOptions): AsyncIterable<Batch>;
  /** Ends what loads in the background; loading again starts it anew. */
  close?(): Promise<void>;
}

/** Names and data sets of a container, whichever way it keeps them. */
export function datasetEntries(container: DataContainerLike): [string, DatasetLike][] {
  const { datasets } = container;
  if (datasets instanceof Map) return [...(datasets as ReadonlyMap<string, DatasetLike>)];
  return Object.entries(datasets as Readonly<Record<string, DatasetLike>>);
}
