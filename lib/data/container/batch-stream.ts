import { scope } from "../../torch";
import { NoSourceError } from "../factory/dataset-source";
import { loadBatch, type BatchSource, type BatchTask } from "./load-batch";
import type { WorkerPool } from "./worker-pool";
import { checkSource, type ArrivingBatch, type WorkerSource } from "./worker-thread";

/** How the batches of a pass are loaded. */
export interface BatchStreamOptions {
  /** The batches; asked for as they are needed. */
  readonly tasks: Iterator<BatchTask>;
  /** What they are made of in this thread. */
  readonly here: () => BatchSource | Promise<BatchSource>;
  /** What they are made of in workers. */
  readonly there: WorkerSource;
  /** The workers; null: this thread loads a batch when it is asked for. Asked before every batch. */
  readonly pool: () => WorkerPool | null;
  /** Batches that each worker has to load, besides those that are used. */
  readonly prefetchFactor: number;
  /** This thread may load batches while workers start. Default: true. */
  readonly helps?: boolean;
  /** Seconds to wait for a batch of a worker; 0: without end. */
  readonly timeout?: number;
  /** Called when a worker cannot make the data set; true: then this thread loads. Default: that is an error. */
  readonly onNoSource?: (error: NoSourceError) => boolean;
  /** Called with the seconds that this thread took to load a batch. */
  readonly onLoaded?: (seconds: number) => void;
  /** Called once when the pass is over. */
  readonly onEnd?: () => Promise<void>;
}

const END = Symbol("end");

/** Milliseconds: a first batch that takes longer is not waited for before workers start. */
const LONG_MS = 20;

/** The batches of one pass, in their order, whoever loads them and however far ahead. */
export class BatchStream<T> implements AsyncIterableIterator<T> {
  readonly #options: BatchStreamOptions;
  readonly #arriving: ArrivingBatch[] = [];
  /** Workers are starting, and this thread loads meanwhile. */
  #isStarting = false;
  #isOver = false;

  constructor(options: BatchStreamOptions) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next batch; its tensors belong to the scope of the call. An error ends the pass. */
  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#isOver) return { done: true, value: undefined };
    let value: unknown;
    try {
      value = await scope(async () => this.#load());
    } catch (error) {
      await this.return();
      throw error;
    }
    return value === END ? this.return() : { done: false, value: value as T };
  }

  /** Ends the pass: what is loaded or loading is freed. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#options.tasks.return?.();
      for (const batch of this.#arriving.splice(0)) batch.cancel();
      await this.#options.onEnd?.();
    }
    return { done: true, value: undefined };
  }

  async #load(): Promise<unknown> {
    if (this.#isStarting) await new Promise((resolve) => setImmediate(resolve)); // workers say that they are ready
    const starting = this.#startingWorkers();
    this.#isStarting = starting !== null;
    if (starting === null) this.#fill();
    const arriving = this.#arriving.shift();
    if (arriving === undefined) {
      const next = this.#options.tasks.next();
      return next.done === true ? END : this.#loadHere(next.value, starting);
    }
    try {
      const batch = await arriving.open(this.#options.timeout ?? 0);
      this.#fill();
      return batch;
    } catch (error) {
      arriving.cancel();
      if (!(error instanceof NoSourceError) || this.#options.onNoSource?.(error) !== true) throw error;
      return this.#loadHere(arriving.task);
    }
  }

  /** The workers, if none of them can load yet and this thread loads meanwhile. @throws NoSourceError when they never can */
  #startingWorkers(): WorkerPool | null {
    const { pool, there, helps = true } = this.#options;
    if (!helps || this.#arriving.length > 0) return null;
    const starting = pool();
    if (starting === null || starting.isReady(there)) return null;
    if (!this.#isStarting) checkSource(there);
    return starting;
  }

  /** Gives every worker something to do. */
  #fill(): void {
    const { tasks, there, prefetchFactor } = this.#options;
    const pool = this.#isOver ? null : this.#options.pool();
    while (pool !== null && this.#arriving.length < pool.size * prefetchFactor) {
      const next = tasks.next();
      if (next.done === true) return;
      this.#arriving.push(pool.load(there, next.value));
    }
  }

  /** Starting threads takes time from loading: they start when the batch is there, or after a sample that takes long. */
  async #loadHere(task: BatchTask, starting: WorkerPool | null = null): Promise<unknown> {
    const { there, onLoaded } = this.#options;
    const start = performance.now();
    const batch = await loadBatch(await this.#options.here(), task, () => {
      if (performance.now() - start > LONG_MS) starting?.prepare(there);
    });
    onLoaded?.((performance.now() - start) / 1000);
    if (starting !== null) setImmediate(() => this.#isOver || starting.prepare(there));
    return batch;
  }
}

/** The parts of a {@link BatchTask} that all batches of a pass have. */
export type TaskOptions = Pick<BatchTask, "timed" | "pin">;

/**
 * The tasks of a pass: batch k draws from `seed + k`.
 *
 * @param skip - leave out so many batches; the order is drawn at once
 */
export function batchTasks(
  batches: Iterable<readonly number[] | number>,
  seed: bigint,
  options: TaskOptions,
  skip = 0,
): Iterator<BatchTask> {
  const iterator = batches[Symbol.iterator]();
  let batch = 0n;
  for (; batch < skip; batch++) iterator.next();
  return {
    next() {
      const next = iterator.next();
      if (next.done === true) return { done: true, value: undefined };
      return { done: false, value: { ...options, indices: next.value, seed: seed + batch++ } };
    },
    return() {
      iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}
