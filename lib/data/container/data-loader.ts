import type { SamplerLike } from "../../core/interfaces/data";
import { ValueError } from "../../config/python-errors";
import { withSuggestion } from "../../config/nearest-names";
import { getLogger } from "../../core/logging";
import { cuda, Generator, type Tensor } from "../../torch";
import { fromFile } from "../factory/dataset-source";
import type { Collator } from "../pipeline/collator";
import { drawSeed } from "../random/draw-seed";
import { BatchSampler } from "../samplers/batch-sampler";
import { RandomSampler } from "../samplers/random-sampler";
import { SequentialSampler } from "../samplers/sequential-sampler";
import { BatchStream, batchTasks } from "./batch-stream";
import type { BatchSource, Collate, SampleSet } from "./load-batch";
import { WorkerPool } from "./worker-pool";

/** Options of {@link DataLoader}, with the names, defaults and meaning of `torch.utils.data.DataLoader`. */
export interface DataLoaderOptions<S = unknown, B = unknown> {
  /** Samples of a batch; null: samples come one by one, not collated. Default: 1. */
  readonly batchSize?: number | null;
  /** A new random order in each pass. Default: false, the order of the data set. */
  readonly shuffle?: boolean;
  /** Another order; excludes `shuffle`. An array will do. */
  readonly sampler?: SamplerLike | null;
  /** Another grouping; excludes `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  readonly batchSampler?: (Iterable<readonly number[]> & { readonly length: number }) | null;
  /** Threads that load. Default: 0, batches are loaded where and when they are asked for. */
  readonly numWorkers?: number;
  /**
   * Makes a batch of samples: a function, a collator, or a function named by its file, `./collate.ts#pad`, which is what workers
   * need. Default: the `pipeline` of the data set if it has one, else PyTorch's default collate.
   */
  readonly collate?: ((samples: readonly S[]) => B | Promise<B>) | Collator | string | null;
  /** Puts tensors into page-locked memory, from which they go to a GPU faster. Default: false. */
  readonly pinMemory?: boolean;
  /** Leaves out the last batch of a pass where it is not full. Default: false. */
  readonly dropLast?: boolean;
  /** Seconds to wait for a batch of a worker; 0 (default): without end. */
  readonly timeout?: number;
  /** Function named by its file, `./init.ts#init`, that each worker calls with its number before it loads anything. */
  readonly workerInit?: string | null;
  /** Where the orders and the seeds of batches are drawn from. Default: the default generator. */
  readonly generator?: Generator | null;
  /** A generator of the loader's own with this seed; excludes `generator`. */
  readonly seed?: number | bigint | null;
  /** Batches that each worker loads ahead. Default: 2; only with workers. */
  readonly prefetchFactor?: number | null;
  /** Keeps the workers, and the data sets that they have made, from pass to pass until {@link DataLoader.close}. Default: false. */
  readonly persistentWorkers?: boolean;
}

const OPTIONS: Readonly<Record<keyof DataLoaderOptions, true>> = {
  batchSize: true,
  shuffle: true,
  sampler: true,
  batchSampler: true,
  numWorkers: true,
  collate: true,
  pinMemory: true,
  dropLast: true,
  timeout: true,
  workerInit: true,
  generator: true,
  seed: true,
  prefetchFactor: true,
  persistentWorkers: true,
};

/** What the default collate makes of samples. */
export type DefaultBatch<S> = S extends Tensor | number
  ? Tensor
  : S extends readonly Tensor[]
    ? Tensor[]
    : Record<string, Tensor>;

/**
 * The batches of a data set, PyTorch's `DataLoader`; each iteration is one pass.
 *
 * ```ts
 * const loader = new DataLoader(dataset, { batchSize: 16, shuffle: true, numWorkers: 4 });
 * for await (const { surface_position, surface_pressure } of loader) { … }
 * ```
 *
 * A data set is anything with `length` and `get(index)`, which may be async: a `Dataset`, a `TensorDataset`, an object of yours.
 * The batches are the same bit for bit with any number of workers, also where samples or collating draw random numbers: each
 * batch draws from a stream of its own. The tensors of a batch belong to the scope in which it is asked for.
 *
 * Workers are threads. Each makes the data set again from its config, or from its file ({@link datasetFromFile}); the tensors of a
 * `TensorDataset` and of batches are shared, not copied.
 *
 * @throws ValueError for options that exclude each other, TypeError for unknown ones
 */
export class DataLoader<S = unknown, B = DefaultBatch<S>> implements AsyncIterable<B> {
  readonly batchSize: number | null;
  readonly #options: DataLoaderOptions<S, B>;
  readonly #batches: (Iterable<readonly number[]> | SamplerLike) & { readonly length: number };
  readonly #generator: Generator | null;
  readonly #pin: boolean;
  #pool: WorkerPool | null = null;

  constructor(
    readonly dataset: SampleSet<S> & { readonly pipeline?: unknown },
    options: DataLoaderOptions<S, B> = {},
  ) {
    checkOptions(options as DataLoaderOptions);
    const { batchSize = 1, shuffle = false, batchSampler, dropLast, seed, pinMemory = false } = options;
    this.#options = options;
    this.#generator = seed == null ? (options.generator ?? null) : new Generator().manualSeed(seed);
    const sampler =
      options.sampler ?? (shuffle ? new RandomSampler(dataset, this.#generator) : new SequentialSampler(dataset));
    this.batchSize = batchSampler == null ? batchSize : null;
    this.#batches = batchSampler ?? (batchSize === null ? sampler : new BatchSampler(sampler, batchSize, dropLast));
    this.#pin = pinMemory && cuda.isAvailable();
    if (pinMemory && !this.#pin)
      getLogger("DataLoader").warning("pinMemory has no effect: there is no CUDA device that would profit from it");
  }

  /** Batches of a pass (with `batchSize: null` samples). */
  get length(): number {
    return this.#batches.length;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<B> {
    const { collate, timeout, numWorkers = 0, prefetchFactor, persistentWorkers } = this.#options;
    const pool = numWorkers === 0 ? null : this.#workers(numWorkers);
    const seed = drawSeed(this.#generator);
    return new BatchStream<B>({
      tasks: batchTasks(this.#batches, seed, { timed: false, pin: this.#pin }),
      here: () => this.#here(),
      there: { dataset: this.dataset, collate: collate ?? pipelineOf(this.dataset) },
      pool: () => pool,
      prefetchFactor: prefetchFactor ?? 2,
      timeout,
      helps: this.#options.workerInit == null,
      onEnd: async () => {
        if (pool !== null && (persistentWorkers !== true || pool.failed)) await pool.close();
      },
    });
  }

  /** Ends the workers that `persistentWorkers` keeps; another pass starts new ones. */
  async close(): Promise<void> {
    await this.#pool?.close();
    this.#pool = null;
  }

  #workers(count: number): WorkerPool {
    const { workerInit = null, persistentWorkers } = this.#options;
    if (persistentWorkers !== true) return new WorkerPool(count, workerInit);
    if (this.#pool === null || this.#pool.failed) this.#pool = new WorkerPool(count, workerInit);
    return this.#pool;
  }

  async #here(): Promise<BatchSource> {
    const { dataset } = this;
    const given = this.#options.collate ?? pipelineOf(dataset);
    if (typeof given === "string") return { dataset, collate: await fromFile<Collate>(given) };
    return { dataset, collate: given === null ? null : collateFunction(given) };
  }
}

function pipelineOf({ pipeline }: { readonly pipeline?: unknown }): Collator | Collate | null {
  return (pipeline ?? null) as Collator | null;
}

/** The function that a collator or a function is. */
export function collateFunction(collator: Collator | ((samples: readonly never[]) => unknown)): Collate {
  return typeof collator === "function" ? collator : (samples) => collator.collate(samples);
}

function checkOptions(options: DataLoaderOptions): void {
  const unknown = Object.keys(options).find((key) => !(key in OPTIONS));
  if (unknown !== undefined)
    throw new TypeError(withSuggestion(`DataLoader has no option "${unknown}"`, unknown, Object.keys(OPTIONS)));
  const {
    batchSize = 1,
    shuffle = false,
    sampler,
    batchSampler,
    numWorkers = 0,
    dropLast = false,
    timeout = 0,
  } = options;
  const { generator, seed, prefetchFactor, persistentWorkers = false, workerInit } = options;
  const refuse = (problem: boolean, message: string): void => {
    if (problem) throw new ValueError(`DataLoader: ${message}`);
  };
  refuse(!Number.isInteger(numWorkers) || numWorkers < 0, `expected numWorkers >= 0, received ${numWorkers}`);
  refuse(!(timeout >= 0), `expected a timeout of at least 0 seconds, received ${timeout}`);
  refuse(
    prefetchFactor != null && !(Number.isInteger(prefetchFactor) && prefetchFactor >= 1),
    `expected a prefetchFactor of at least 1, received ${prefetchFactor}`,
  );
  refuse(sampler != null && shuffle, "expected either a sampler or shuffle, received both");
  refuse(generator != null && seed != null, "expected either a generator or a seed, received both");
  refuse(
    batchSampler != null && (batchSize !== 1 || shuffle || sampler != null || dropLast),
    "batchSampler excludes batchSize, shuffle, sampler and dropLast",
  );
  refuse(batchSize === null && dropLast, "dropLast needs a batchSize");
  refuse(
    batchSize !== null && !(Number.isInteger(batchSize) && batchSize >= 1),
    `expected a batchSize of at least 1, or null, received ${batchSize}`,
  );
  if (numWorkers > 0) return;
  refuse(prefetchFactor != null, "prefetchFactor needs workers (numWorkers > 0): without them nothing is loaded ahead");
  refuse(persistentWorkers, "persistentWorkers needs workers (numWorkers > 0)");
  refuse(workerInit != null, "workerInit needs workers (numWorkers > 0)");
  refuse(timeout > 0, "a timeout needs workers (numWorkers > 0)");
}
