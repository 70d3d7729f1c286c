import { getLogger } from "../../core/logging";
import type { BatchTask } from "./load-batch";
import { WorkerThread, type ArrivingBatch, type WorkerSource } from "./worker-thread";

/**
 * Threads that load batches. They start with the first batches that are asked for, serve any number of data sets, and keep no
 * process alive unless somebody waits for a batch.
 */
export class WorkerPool {
  readonly #init: string | null;
  readonly #threads: WorkerThread[] = [];
  /** What the workers make once; its place is its number. */
  readonly #sources: WorkerSource[] = [];
  /** Warnings that some worker has given. */
  readonly #warned = new Set<string>();
  #failed = false;

  /**
   * @param size - number of threads
   * @param init - `./file.ts#export`, called with the number of the worker before it loads anything
   */
  constructor(
    readonly size: number,
    init: string | null = null,
  ) {
    this.#init = init;
  }

  /**
   * Hands a batch to the worker that has least to do.
   *
   * @throws NoSourceError when a worker cannot make the data set
   */
  load(source: WorkerSource, task: BatchTask): ArrivingBatch {
    return this.#leastBusy().load(this.#numberOf(source), source, task);
  }

  /** Starts all threads, and has each make the data set. @throws NoSourceError when a worker cannot make it */
  prepare(source: WorkerSource): void {
    while (this.#threads.length < this.size) this.#start();
    for (const thread of this.#threads) thread.prepare(this.#numberOf(source), source);
  }

  /** Whether some worker has made the data set, or knows why not. */
  isReady(source: WorkerSource): boolean {
    return this.#failed || this.#threads.some((thread) => thread.isReady(this.#numberOf(source)));
  }

  /** Whether a worker has ended on its own; nothing can be loaded any more. */
  get failed(): boolean {
    return this.#failed;
  }

  #numberOf(source: WorkerSource): number {
    const known = this.#sources.findIndex(
      ({ dataset, collate }) => dataset === source.dataset && collate === source.collate,
    );
    return known >= 0 ? known : this.#sources.push(source) - 1;
  }

  #leastBusy(): WorkerThread {
    const [best] = [...this.#threads].sort((a, b) => a.busy - b.busy);
    if (best !== undefined && (best.busy === 0 || this.#threads.length === this.size)) return best;
    return this.#start();
  }

  #start(): WorkerThread {
    const setup = { worker: this.#threads.length, count: this.size, init: this.#init };
    const thread = new WorkerThread(setup, {
      warn: (name, message) => {
        if (this.#warned.size === this.#warned.add(`${name}: ${message}`).size) return;
        getLogger(name).warning(message);
      },
      fail: () => {
        this.#failed = true;
        for (const other of this.#threads) void other.close();
      },
    });
    this.#threads.push(thread);
    return thread;
  }

  /** Ends the threads; resolves when they have ended and what they had loaded is freed. A new batch starts new ones. */
  async close(): Promise<void> {
    this.#sources.length = 0;
    await Promise.all(this.#threads.splice(0).map((thread) => thread.close()));
  }
}
