import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { RuntimeError } from "../../config/python-errors";
import { startThread } from "../../core/threads/start-thread";
import { scope } from "../../torch";
import { abandonTensors, shareTensorOf } from "../../torch/sharing";
import { pipelineSourceOf, sourceOf } from "../factory/dataset-source";
import type { BatchTask, SampleSet } from "./load-batch";
import { decode, discard } from "./transfer";
import { decodeError } from "./worker-errors";
import type { EncodedSource, Request, Response, WorkerSetup } from "./worker-messages";

/** What a worker makes batches of. */
export interface WorkerSource {
  readonly dataset: SampleSet;
  /** The function that collates, by its file (`./collate.ts#pad`), or the pipeline of the data set. */
  readonly collate: string | object | null;
}

/** @throws NoSourceError when no worker can make batches of this */
export function checkSource({ dataset, collate }: WorkerSource): void {
  sourceOf(dataset, () => ({ ticket: 0 }));
  if (typeof collate !== "string") pipelineSourceOf(collate);
}

/** Hears of a worker. */
export interface WorkerListener {
  warn(name: string, message: string): void;
  /** The worker has ended on its own. */
  fail(): void;
}

/**
 * MiB of JavaScript's young objects in a worker. What it makes much of are tensors and buffers, which lie elsewhere and are freed
 * together with the objects that stand for them: V8's default lets these grow to 48 MiB first, in each thread.
 */
const YOUNG_MIB = 6;

function startWorker(setup: WorkerSetup): Worker {
  return startThread(join(__dirname, "worker"), __filename, {
    workerData: setup,
    name: `DataLoader worker ${setup.worker}`,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
}

/** One thread that loads batches, in the order in which they are asked for. */
export class WorkerThread {
  readonly #setup: WorkerSetup;
  readonly #listener: WorkerListener;
  readonly #worker: Worker;
  /** Also after the end, when the worker itself no longer tells. */
  readonly #owner: number;
  readonly #ended: Promise<void>;
  readonly #known = new Set<number>();
  readonly #ready = new Set<number>();
  readonly #loading = new Map<number, ArrivingBatch>();
  /** Batches whose tensors nobody has taken yet. */
  #untaken = 0;
  #holders = 0;
  #nextId = 0;
  #isClosing = false;
  /** Null: it runs. */
  #exitCode: number | null = null;
  #cause: unknown = null;

  constructor(setup: WorkerSetup, listener: WorkerListener) {
    this.#setup = setup;
    this.#listener = listener;
    this.#worker = startWorker(setup);
    this.#owner = this.#worker.threadId;
    this.#worker.on("message", (message: Response) => this.#receive(message));
    this.#worker.on("error", (error) => (this.#cause = error));
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#end(code);
        resolve();
      });
    });
    this.#worker.unref(); // last: a listener for messages keeps the process alive
  }

  /** Batches that it has been asked for and not given. */
  get busy(): number {
    return this.#loading.size;
  }

  /** Has the thread make a data set, once. @throws NoSourceError when a worker cannot make it */
  prepare(sourceNumber: number, source: WorkerSource): void {
    if (this.#known.has(sourceNumber)) return;
    this.#send({ type: "source", source: sourceNumber, encoded: this.#encode(source) });
    this.#known.add(sourceNumber);
  }

  /** Whether the thread has made the data set, or knows why not. */
  isReady(sourceNumber: number): boolean {
    return this.#ready.has(sourceNumber);
  }

  /** @throws NoSourceError when a worker cannot make the data set */
  load(sourceNumber: number, source: WorkerSource, task: BatchTask): ArrivingBatch {
    this.prepare(sourceNumber, source);
    const id = this.#nextId++;
    const batch = new ArrivingBatch(task, {
      hold: () => this.#hold(1),
      release: () => this.#hold(-1),
      cancel: () => this.#send({ type: "cancel", id }),
      taken: () => {
        this.#untaken--;
        this.#abandon();
      },
    });
    this.#untaken++;
    if (this.#exitCode !== null) batch.fail(this.#lost(task, this.#exitCode));
    else this.#loading.set(id, batch);
    this.#send({ type: "load", id, source: sourceNumber, task });
    return batch;
  }

  #encode({ dataset, collate }: WorkerSource): EncodedSource {
    return {
      collate: typeof collate === "string" ? collate : pipelineSourceOf(collate),
      dataset: sourceOf(dataset, (tensor) => shareTensorOf(this.#owner, tensor)),
      length: dataset.length,
    };
  }

  /** Ends the thread, whatever it is at; resolves when it has ended and what it had loaded is freed. */
  async close(): Promise<void> {
    if (this.#exitCode === null && !this.#isClosing) {
      this.#isClosing = true;
      this.#hold(1);
      this.#send({ type: "close" });
    }
    await this.#ended;
  }

  #send(request: Request): void {
    if (this.#exitCode === null) this.#worker.postMessage(request);
  }

  #receive(message: Response): void {
    if (message.type === "warning") return this.#listener.warn(message.name, message.message);
    if (message.type === "ready") return void this.#ready.add(message.source);
    const batch = this.#loading.get(message.id);
    this.#loading.delete(message.id);
    if (message.type === "batch") batch?.arrive(message.batch);
    else batch?.fail(message.type === "error" ? decodeError(message.error) : new RuntimeError("cancelled"));
  }

  #end(code: number): void {
    this.#exitCode = code;
    const isUnexpected = !this.#isClosing;
    for (const batch of this.#loading.values()) batch.fail(this.#lost(batch.task, code));
    this.#loading.clear();
    this.#abandon();
    if (isUnexpected) this.#listener.fail();
  }

  #lost({ indices }: BatchTask, code: number): Error {
    const name = `DataLoader worker ${this.#setup.worker}`;
    const samples = typeof indices === "number" ? `sample ${indices}` : `samples ${indices.join(", ")}`;
    if (this.#isClosing) return new RuntimeError(`${name} was closed before it had loaded ${samples}`);
    const cause = this.#cause as Error | null;
    const reason = cause === null ? "" : `: ${cause.message}`;
    return new RuntimeError(
      `${name} exited unexpectedly (code ${code}) while it had ${samples} to load${reason}`,
      cause === null ? {} : { cause },
    );
  }

  /** Frees what the thread shared and nobody can take any more. */
  #abandon(): void {
    if (this.#exitCode !== null && this.#untaken === 0) abandonTensors(this.#owner);
  }

  /** Keeps the process alive while somebody waits. */
  #hold(change: 1 | -1): void {
    this.#holders += change;
    if (this.#holders === 0) this.#worker.unref();
    else this.#worker.ref();
  }
}

/** What a batch on its way asks of its thread. */
interface BatchOwner {
  hold(): void;
  release(): void;
  cancel(): void;
  taken(): void;
}

/** A batch that a worker loads. */
export class ArrivingBatch {
  /** Settle the batch, once. */
  arrive!: (encoded: unknown) => void;
  fail!: (error: unknown) => void;
  readonly #encoded: Promise<unknown>;
  readonly #owner: BatchOwner;
  #isTaken = false;

  constructor(
    readonly task: BatchTask,
    owner: BatchOwner,
  ) {
    this.#owner = owner;
    this.#encoded = new Promise((resolve, reject) => {
      this.arrive = resolve;
      this.fail = reject;
    });
    this.#encoded.catch(() => owner.taken()); // so that there is no unhandled rejection where nobody waits
  }

  /**
   * The batch; its tensors belong to the scope of the call.
   *
   * @param seconds - how long to wait at most; 0: without end
   * @throws what was thrown in the worker; RuntimeError when the worker has ended, or when the time is over
   */
  async open(seconds: number): Promise<unknown> {
    this.#owner.hold();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      if (seconds === 0) return;
      const error = new RuntimeError(`the DataLoader timed out after ${seconds} seconds without a batch`);
      timer = setTimeout(() => reject(error), seconds * 1000);
    });
    try {
      const encoded = await Promise.race([this.#encoded, late]);
      return await scope(async () => this.#take(() => decode(encoded)));
    } finally {
      clearTimeout(timer);
      this.#owner.release();
    }
  }

  /** Nobody waits for it any more: it is not loaded where that has not begun, and freed where it has. */
  cancel(): void {
    this.#owner.cancel();
    const drop = (encoded: unknown): void => {
      if (!this.#isTaken) this.#take(() => discard(encoded));
    };
    this.#encoded.then(drop, () => undefined);
  }

  #take<T>(take: () => T): T {
    this.#isTaken = true;
    try {
      return take();
    } finally {
      this.#owner.taken();
    }
  }
}
