import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { RuntimeError, ValueError } from "../../config/python-errors";
import { startThread } from "../../core/threads/start-thread";
import { decodeError } from "../../data/container/worker-errors";
import { getNumThreads, shareTensor } from "../../torch";
import type { CaseInputs } from "../predict/inputs";
import type { PredictedField } from "../predict/field-buffers";
import type { PredictOptions } from "../predict/prediction-task";
import { loadRun, type LoadRunOptions } from "../run/load-run";
import type { TrainedRun } from "../run/trained-run";
import { plainInputs } from "./plain-inputs";
import type { RequestResult, RequestTask } from "../requests/request";
import type { FromThread, Result, Task, ThreadSetup, ToThread } from "./messages";

/** Options of {@link PredictionPool.create}. */
export interface PoolOptions extends LoadRunOptions {
  /**
   * Threads that predict. Default: one for each core, eight at most. Threads that are busy at the same time share the cores: an operator
   * in one of them uses as many as `torch.getNumThreads()` leaves for each.
   */
  readonly threads?: number;
  /** Cases that may wait for a thread; {@link QueueFullError} beyond. Default: no limit. */
  readonly maxWaiting?: number;
  /**
   * Waiting cases of about the same size that a thread takes at a time: where their shapes and options are the same and their points are few
   * (2048 in all), they are one batch. The fields are the same up to rounding. Default 8; 1: every case by itself.
   */
  readonly maxBatch?: number;
}

/** Threads by default at most: each takes some 100 MiB, and further cores serve their operators. */
const MOST_THREADS = 8;
/** Bytes of the inputs above which a case has a thread for itself: it keeps all of it busy anyway. */
const LARGE = 2 ** 17;
const DEFAULT_BATCH = 8;

/** More cases wait already than a pool takes. */
export class QueueFullError extends RuntimeError {
  override readonly name = "QueueFullError";
}

/** A task and who waits for it. */
interface Job {
  readonly id: number;
  readonly task: Task;
  readonly onProgress: PredictOptions["onProgress"];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** A thread with what it is at, by number. */
interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  isReady: boolean;
}

/**
 * A trained run that predicts in threads of its own, so that the event loop stays free. The threads share the weights: there is one copy
 * in memory, however many they are.
 *
 * @example
 * const pool = await PredictionPool.create("outputs/2026-01-31_x7k2p/train", { threads: 2 });
 * const { surface_pressure } = await pool.predict(inputs, { signal });
 * await pool.close();
 */
export class PredictionPool {
  readonly #threads: Thread[] = [];
  readonly #waiting: Job[] = [];
  readonly #setup: () => ThreadSetup;
  #nextId = 0;
  #isClosed = false;

  private constructor(
    /** The run itself, for its inputs and outputs. */
    readonly run: TrainedRun,
    path: string,
    private readonly options: PoolOptions,
  ) {
    const { threads: _, maxWaiting: __, maxBatch: ___, ...loadOptions } = options;
    this.#setup = () => ({
      path,
      options: loadOptions,
      weights: Object.fromEntries([...run.model.stateDict()].map(([name, tensor]) => [name, shareTensor(tensor)])),
    });
  }

  /**
   * Loads a run and starts its threads.
   *
   * @param path as of `loadRun`
   * @throws what `loadRun` throws
   */
  static async create(path: string, options: PoolOptions = {}): Promise<PredictionPool> {
    const { threads = defaultThreads(), maxBatch = DEFAULT_BATCH } = options;
    if (!Number.isInteger(threads) || threads < 1)
      throw new ValueError(`expected at least one thread, got threads: ${threads}`);
    if (!Number.isInteger(maxBatch) || maxBatch < 1)
      throw new ValueError(`expected at least one case a batch, got maxBatch: ${maxBatch}`);
    const { threads: _, maxWaiting: __, maxBatch: ___, ...loadOptions } = options;
    const pool = new PredictionPool(await loadRun(path, loadOptions), path, options);
    try {
      await Promise.all(Array.from({ length: threads }, async () => pool.#start()));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Number of threads. */
  get size(): number {
    return this.options.threads ?? defaultThreads();
  }

  /** Cases that wait for a thread. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Cases that a thread is at. */
  get busy(): number {
    return this.#threads.reduce((sum, { jobs }) => sum + jobs.size, 0);
  }

  /**
   * As `TrainedRun.predict`, in one of the threads. Tensors among the inputs are copied to the CPU.
   *
   * @throws as `TrainedRun.predict`, also the reason of `signal`; QueueFullError when too many wait
   */
  async predict(
    inputs: CaseInputs,
    { chunkSize, seed, signal, onProgress }: PredictOptions = {},
  ): Promise<Record<string, PredictedField>> {
    const options = { ...(chunkSize === undefined ? {} : { chunkSize }), ...(seed === undefined ? {} : { seed }) };
    const task: Task = { type: "predict", inputs: plainInputs(inputs, this.run.dtype), options };
    return (await this.#run(task, { signal, onProgress })) as Record<string, PredictedField>;
  }

  /** @internal An HTTP request, read, predicted and written in a thread. */
  async answer(
    request: Omit<RequestTask, "type">,
    options: Pick<PredictOptions, "signal" | "onProgress">,
  ): Promise<RequestResult> {
    return (await this.#run({ type: "request", ...request }, options)) as RequestResult;
  }

  /** @internal The threads, for tests that end one. */
  workers(): readonly Worker[] {
    return this.#threads.map(({ worker }) => worker);
  }

  async #run(task: Task, { signal, onProgress }: Pick<PredictOptions, "signal" | "onProgress">): Promise<Result> {
    if (this.#isClosed) throw new RuntimeError("the pool is closed: make another one");
    signal?.throwIfAborted();
    const { maxWaiting = Infinity } = this.options;
    const isFull = this.#waiting.length >= maxWaiting && !this.#threads.some(isFree);
    if (isFull) throw new QueueFullError(`${this.#waiting.length} cases wait already; try again later`);
    const id = this.#nextId++;
    let abort: (() => void) | undefined;
    try {
      return await new Promise<Result>((resolve, reject) => {
        const job: Job = { id, task, onProgress, resolve, reject };
        abort = () => {
          this.#cancel(job);
          reject(signal!.reason as Error);
        };
        signal?.addEventListener("abort", abort, { once: true });
        this.#waiting.push(job);
        this.#assign();
      });
    } finally {
      if (abort) signal?.removeEventListener("abort", abort);
    }
  }

  #assign(): void {
    const given: [Thread, Job[]][] = [];
    for (const thread of this.#threads.filter(isFree)) {
      // some are left for the other threads, and for when this one is done: a queue that runs empty leaves threads idle
      const share = Math.ceil(this.#waiting.length / (2 * this.#threads.length));
      const jobs = this.#nextJobs(Math.min(share, this.options.maxBatch ?? DEFAULT_BATCH));
      if (jobs.length === 0) break;
      for (const job of jobs) thread.jobs.set(job.id, job);
      given.push([thread, jobs]);
    }
    const busy = this.#threads.filter(({ jobs }) => jobs.size > 0).length;
    const operatorThreads = Math.max(1, Math.floor(getNumThreads() / busy));
    for (const [thread, jobs] of given) {
      thread.worker.ref();
      send(thread, { type: "run", operatorThreads, tasks: jobs.map(({ id, task }) => ({ id, task })) });
    }
  }

  /** The job that has waited longest, and others that may be computed with it. */
  #nextJobs(most: number): Job[] {
    const first = this.#waiting.shift();
    if (first === undefined) return [];
    const size = sizeOf(first.task);
    const isAlike = ({ task }: Job): boolean => {
      const other = sizeOf(task);
      return task.type === first.task.type && Math.max(size, other) < LARGE && Math.abs(size - other) <= size / 4;
    };
    const others = this.#waiting.filter(isAlike).slice(0, most - 1);
    for (const job of others) this.#waiting.splice(this.#waiting.indexOf(job), 1);
    return [first, ...others];
  }

  #cancel(job: Job): void {
    const place = this.#waiting.indexOf(job);
    if (place >= 0) this.#waiting.splice(place, 1);
    const thread = this.#threads.find(({ jobs }) => jobs.has(job.id));
    if (thread) send(thread, { type: "cancel", id: job.id });
  }

  /** Starts a thread; resolves when it has loaded the run. */
  async #start(): Promise<void> {
    const worker = startThread(join(__dirname, "worker"), __filename, {
      workerData: this.#setup(),
      name: "prediction",
    });
    const thread: Thread = { worker, jobs: new Map(), isReady: false };
    this.#threads.push(thread);
    await new Promise<void>((resolve, reject) => {
      let cause: unknown;
      worker.on("error", (error) => (cause = error));
      worker.once("exit", (code) => {
        const reason = cause instanceof Error ? `: ${cause.message}` : "";
        const error = new RuntimeError(`a prediction thread ended unexpectedly (code ${code})${reason}`);
        this.#threads.splice(this.#threads.indexOf(thread), 1);
        for (const job of thread.jobs.values()) job.reject(error);
        reject(error);
        if (thread.isReady && !this.#isClosed) void this.#start().catch((failure: unknown) => this.#giveUp(failure));
      });
      worker.on("message", (message: FromThread) => {
        if (message.type === "failed") reject(decodeError(message.error));
        else if (message.type === "ready") {
          thread.isReady = true;
          worker.unref();
          resolve();
          this.#assign();
        } else this.#receive(thread, message);
      });
    });
  }

  #receive(thread: Thread, message: Extract<FromThread, { id: number }>): void {
    const job = thread.jobs.get(message.id);
    if (job === undefined) return;
    if (message.type === "progress") return job.onProgress?.(message);
    thread.jobs.delete(job.id);
    if (message.type === "result") job.resolve(message.result);
    else job.reject(decodeError(message.error));
    if (thread.jobs.size > 0) return;
    thread.worker.unref();
    this.#assign();
  }

  /** Without a thread nobody answers. */
  #giveUp(error: unknown): void {
    if (this.#threads.length > 0) return;
    for (const job of this.#waiting.splice(0)) job.reject(error);
  }

  /** Ends the threads and frees the weights; what is under way fails. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const closed = new RuntimeError("the pool was closed");
    for (const job of this.#waiting.splice(0)) job.reject(closed);
    await Promise.all(
      [...this.#threads].map(async (thread) => {
        for (const job of thread.jobs.values()) job.reject(closed);
        thread.jobs.clear();
        const ended = new Promise((resolve) => thread.worker.once("exit", resolve));
        thread.worker.ref();
        send(thread, { type: "close" });
        await ended;
      }),
    );
    this.run.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function isFree({ jobs, isReady }: Thread): boolean {
  return jobs.size === 0 && isReady;
}

/** Bytes of the inputs of a task. */
function sizeOf(task: Task): number {
  if (task.type === "request") return task.body.byteLength;
  return Object.values(task.inputs).reduce((sum, { values }) => sum + values.byteLength, 0);
}

function send({ worker }: Thread, message: ToThread): void {
  worker.postMessage(message);
}

function defaultThreads(): number {
  return Math.min(availableParallelism(), MOST_THREADS);
}
