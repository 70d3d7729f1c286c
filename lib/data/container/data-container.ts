import type { Batch, BatchOptions, DataContainerLike, DatasetLike, SamplerLike } from "../../core/interfaces/data";
import { getRank, getWorldSize, isDistributed } from "../../core/distributed";
import { KeyError, ValueError } from "../../config/python-errors";
import { withSuggestion } from "../../config/nearest-names";
import type { DatasetProtocol } from "../base/dataset";
import { drawSeed } from "../random/draw-seed";
import { BatchSampler } from "../samplers/batch-sampler";
import { DistributedSampler } from "../samplers/distributed-sampler";
import { RandomSampler } from "../samplers/random-sampler";
import { SequentialSampler } from "../samplers/sequential-sampler";
import { PropertySubsetWrapper } from "../wrappers/property-subset-wrapper";
import { ShuffleWrapper } from "../wrappers/shuffle-wrapper";
import { SubsetWrapper } from "../wrappers/subset-wrapper";
import { TimingWrapper } from "../wrappers/timing-wrapper";
import { BatchStream, batchTasks } from "./batch-stream";
import { collateFunction } from "./data-loader";
import { WorkerDemand } from "./worker-demand";

/** Options of {@link DataContainer}. */
export interface DataContainerOptions {
  /**
   * Seed of the run. With it the loaders have random numbers of their own, so that the order of the samples depends on nothing
   * but the default generator, as in release 2026.4 of the Python framework. Null (default): the loader of training draws a number
   * from the default generator before it draws the first order, as in release 1.1.
   */
  readonly seed?: number | null;
  /**
   * Threads that load, for all data sets together; null: as many as the processor has room for, once loading turns out to take
   * time. Default: 0, batches are loaded where and when they are asked for.
   */
  readonly numWorkers?: number | null;
  /** Batches that each worker loads ahead. Default: 2. */
  readonly prefetchFactor?: number | null;
  /** Puts tensors into page-locked memory, from which they go to a GPU faster. Default: false. */
  readonly pinMemory?: boolean;
}

/** The data sets of a run by name, and the threads that load them. Without one called `train` the first is also the training set. */
export class DataContainer implements DataContainerLike {
  readonly datasets: ReadonlyMap<string, DatasetProtocol>;

  readonly seed: number | null;
  readonly #prefetchFactor: number;
  readonly #pinMemory: boolean;
  readonly #workers: WorkerDemand;

  /** The data belong to the run: a copy of a model reads the same. */
  deepcopy(): this {
    return this;
  }

  constructor(
    datasets: ReadonlyMap<string, DatasetProtocol> | Readonly<Record<string, DatasetProtocol>>,
    { seed = null, numWorkers = 0, prefetchFactor, pinMemory = false }: DataContainerOptions = {},
  ) {
    this.seed = seed;
    this.#prefetchFactor = prefetchFactor ?? 2;
    this.#pinMemory = pinMemory;
    this.#workers = new WorkerDemand(numWorkers);
    const list: Iterable<[string, DatasetProtocol]> =
      datasets instanceof Map ? (datasets as ReadonlyMap<string, DatasetProtocol>) : Object.entries(datasets);
    const entries = new Map(list);
    const first = entries.values().next().value;
    if (first === undefined) throw new ValueError("expected at least one data set, received none");
    if (!entries.has("train")) entries.set("train", first);
    this.datasets = entries;
  }

  /**
   * A data set, cut and restricted as asked for; samples tell how long they took to load.
   *
   * @param key null: the first data set
   * @param properties load only these keys of a sample
   * @param maxSize only the first `maxSize` samples
   * @param shuffleSeed in the fixed random order of this seed (before cutting)
   */
  getDataset(
    key: string | null = null,
    properties: ReadonlySet<string> | null = null,
    maxSize: number | null = null,
    shuffleSeed: number | null = null,
  ): DatasetProtocol {
    const name = key ?? this.datasets.keys().next().value!;
    let dataset = this.datasets.get(name);
    if (!dataset) throw new KeyError(withSuggestion(`no data set "${name}" in this run`, name, this.datasets.keys()));
    if (shuffleSeed !== null) dataset = new ShuffleWrapper({ seed: shuffleSeed }, dataset);
    if (maxSize !== null) dataset = new SubsetWrapper({ end_index: maxSize }, dataset);
    if (properties !== null) dataset = new PropertySubsetWrapper(dataset, properties);
    return new TimingWrapper(dataset);
  }

  /**
   * The order of the training samples: random, a new one each epoch, or the order of the data set. Of several processes each gets every
   * W-th sample of one order, which depends on the epoch only.
   */
  getMainSampler(dataset: { readonly length: number }, shuffle = true): SamplerLike {
    if (isDistributed()) {
      return new DistributedSampler(dataset, { replicas: getWorldSize(), rank: getRank(), shuffle, dropLast: true });
    }
    return shuffle ? new RandomSampler(dataset) : new SequentialSampler(dataset);
  }

  /**
   * The batches of a data set; each iteration is one pass. The data set's pipeline collates; without one every key is stacked.
   *
   * Batches carry the seconds that loading and collating took under `__meta_time_getitem` and `__meta_time_collate`. Their tensors
   * belong to the scope in which a batch is asked for.
   */
  getDataLoader(dataset: DatasetLike, options: BatchOptions): AsyncIterable<Batch> & { readonly length: number } {
    const { sampler = new SequentialSampler(dataset), batchSize, dropLast, seed, skip } = options;
    const batches = new BatchSampler(sampler, batchSize, dropLast);
    const pipeline = dataset.pipeline ?? null;
    const there = { dataset, collate: pipeline };
    const here = { dataset, collate: pipeline === null ? null : collateFunction(pipeline) };
    return {
      length: batches.length,
      [Symbol.asyncIterator]: () =>
        new BatchStream<Batch>({
          tasks: batchTasks(batches, seed ?? drawSeed(), { timed: true, pin: this.#pinMemory }, skip),
          here: () => here,
          there,
          pool: () => this.#workers.pool(there),
          prefetchFactor: this.#prefetchFactor,
          onNoSource: (error) => this.#workers.giveUp(dataset, error),
          onLoaded: (seconds) => this.#workers.note(seconds),
        }),
    };
  }

  /** Ends the threads that load; loading again starts new ones. */
  async close(): Promise<void> {
    await this.#workers.close();
  }
}
