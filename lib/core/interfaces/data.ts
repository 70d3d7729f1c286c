import type { Tensor } from "../../torch";

/**
 * What the training loop needs to know of the data layer. `lib/data` implements these shapes; nothing here knows a file
 * format, and nothing in `lib/core` imports `lib/data`.
 */

/** One collated batch: property name to tensor, null, or a list with one tensor. Keys that start with `__meta` hold timings. */
export type Batch = Record<string, unknown>;

/** A batch on its device without `__meta` entries: what a model and a callback get. */
export type DeviceBatch = Record<string, Tensor | null>;

/** Turns a list of samples into a {@link Batch}. */
export type CollatorLike = (samples: readonly unknown[]) => unknown;

/** A dataset as the training loop sees it. */
export interface DatasetLike {
  /** Number of samples. */
  readonly length: number;
  /** Collator of the dataset (sample processors, collators, batch processors), null: the default collate. */
  pipeline: CollatorLike | { collate(samples: readonly unknown[]): unknown } | null | undefined;
}

/** Yields sample indices, once per epoch. */
export interface SamplerLike extends Iterable<number> {
  readonly length: number;
  /** Distributed samplers derive their order from the epoch. */
  setEpoch?(epoch: number): void;
}

/** One evaluation data set of a callback (`SamplerIntervalConfig`): its sampler, when it is due and how it is batched. */
export interface SamplerIntervalConfig {
  readonly sampler: SamplerLike;
  readonly every_n_epochs?: number | null;
  readonly every_n_updates?: number | null;
  readonly every_n_samples?: number | null;
  readonly pipeline?: DatasetLike["pipeline"];
  readonly batch_size?: number | null;
}

/** Arguments of {@link DataContainerLike.getDataLoader}. */
export interface DataLoaderRequest {
  readonly trainSampler: SamplerLike;
  readonly trainCollator: DatasetLike["pipeline"];
  /** Samples of one training batch in this process. */
  readonly batchSize: number;
  readonly epochs?: number | null;
  readonly updates?: number | null;
  readonly samples?: number | null;
  readonly callbackSamplers: readonly SamplerIntervalConfig[];
  readonly startEpoch?: number | null;
  /** One pass over each callback data set in list order and no training data. */
  readonly evaluation?: boolean;
}

/** The data sets of a run by name; `train` is the training set. */
export interface DataContainerLike {
  /** In the order of the configuration, `train` included. */
  readonly datasets: Readonly<Record<string, DatasetLike>> | ReadonlyMap<string, DatasetLike>;
  /** `key` null: the first data set. `maxSize` cuts it, `properties` restricts what is loaded of a sample. */
  getDataset(key?: string | null, properties?: ReadonlySet<string> | null, maxSize?: number | null): DatasetLike;
  /** Random order (drawn from the default generator, once per epoch) or, without `shuffle`, the order of the data set. */
  getMainSampler(dataset: DatasetLike, shuffle?: boolean): SamplerLike;
  /** Batches of a whole run or of one evaluation, in order. Tensors belong to whoever pulls them. */
  getDataLoader(request: DataLoaderRequest): AsyncIterable<Batch>;
}

/** Names and data sets of a container, whichever way it keeps them. */
export function datasetEntries(container: DataContainerLike): [string, DatasetLike][] {
  const { datasets } = container;
  if (datasets instanceof Map) return [...(datasets as ReadonlyMap<string, DatasetLike>)];
  return Object.entries(datasets as Readonly<Record<string, DatasetLike>>);
}
