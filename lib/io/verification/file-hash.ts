import type * as Fs from "node:fs";
import type * as WorkerThreads from "node:worker_threads";
import { availableParallelism } from "node:os";
import { SHARE_ENV, Worker } from "node:worker_threads";
import { type Digest, type DigestAlgorithm, digestMaker, type MakeDigest } from "./digest";

/** What the thread is told: the bytes of a file up to `end` are final. */
interface Task {
  readonly id: number;
  readonly path: string;
  readonly algorithm: DigestAlgorithm;
  /** Hashed before the file. */
  readonly prefix: string;
  readonly partSizes: readonly number[] | undefined;
  readonly chunkSize: number;
  readonly end: number;
  readonly isLast: boolean;
}

/** What the thread answers to the last task of a hash. */
interface Answer {
  readonly id: number;
  readonly hex?: string;
  readonly error?: { readonly message: string; readonly code?: string };
}

/**
 * The thread. Its source becomes text, so that it starts at once, whatever loads this file: nothing but its arguments is
 * known in it.
 */
const threadMain = ({ parentPort }: typeof WorkerThreads, fs: typeof Fs, makeDigest: MakeDigest): void => {
  const open = new Map<number, { fd: number; hash: Digest; position: number }>();
  let buffer = Buffer.alloc(0);
  parentPort!.on("message", ({ id, path, algorithm, prefix, partSizes, chunkSize, end, isLast }: Task) => {
    try {
      let state = open.get(id);
      if (state === undefined) {
        state = { fd: fs.openSync(path, "r"), hash: makeDigest(algorithm, partSizes), position: 0 };
        state.hash.update(Buffer.from(prefix));
        open.set(id, state);
      }
      if (buffer.length < chunkSize) buffer = Buffer.allocUnsafeSlow(chunkSize);
      while (state.position < end) {
        const count = fs.readSync(state.fd, buffer, 0, Math.min(chunkSize, end - state.position), state.position);
        if (count === 0) break;
        state.hash.update(buffer.subarray(0, count));
        state.position += count;
      }
      if (isLast) parentPort!.postMessage({ id, hex: state.hash.digest().toString("hex") });
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      if (isLast) parentPort!.postMessage({ id, error: { message, code } });
    } finally {
      const state = open.get(id);
      if (isLast && state !== undefined) {
        fs.closeSync(state.fd);
        open.delete(id);
      }
    }
  });
};

const DIGESTS = `(${String(digestMaker)})(require("node:crypto").createHash, require("node:zlib").crc32)`;
/** What loaders and bundlers that keep the names of functions call in their sources. */
const NAMES = "const __name = (named) => named;";
const SOURCE = `${NAMES} (${String(threadMain)})(require("node:worker_threads"), require("node:fs"), ${DIGESTS})`;

/** A thread that hashes, several files by turns. */
class HashThread {
  readonly #worker = new Worker(SOURCE, {
    eval: true,
    env: SHARE_ENV,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
  });
  readonly #waiting = new Map<number, Waiting>();
  /** Why the thread ended. */
  #failure: Error | null = null;
  /** Hashes that are not finished. */
  open = 0;

  constructor() {
    this.#worker.on("message", ({ id, hex, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      this.open--;
      if (error === undefined) waiting?.resolve(hex as string);
      else waiting?.reject(Object.assign(new Error(error.message), { code: error.code }));
      if (this.open === 0) this.#rest();
    });
    this.#worker.once("error", (error) => this.#end(error));
    this.#worker.once("exit", (code) => this.#end(new Error(`the thread that hashes files ended with ${code}`)));
    this.#worker.unref();
  }

  send(task: Task): void {
    this.#worker.postMessage(task);
  }

  /** The digest that the last task of a hash brings. */
  async finish(task: Task): Promise<string> {
    if (this.#failure !== null) throw this.#failure;
    const answer = new Promise<string>((resolve, reject) => this.#waiting.set(task.id, { resolve, reject }));
    this.#worker.ref();
    this.send(task);
    return answer;
  }

  /** It does not keep the process alive, and goes when nothing comes for a second. */
  #rest(): void {
    this.#worker.unref();
    setTimeout(() => {
      if (this.open > 0) return;
      threads.delete(this);
      void this.#worker.terminate();
    }, 1000).unref();
  }

  #end(error: Error): void {
    this.#failure ??= error;
    threads.delete(this);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

interface Waiting {
  readonly resolve: (hex: string) => void;
  readonly reject: (error: Error) => void;
}

const threads = new Set<HashThread>();
let count = 0;

/** A thread that has nothing to do, or a new one while there are fewer than `limit`; else the one with least to do. */
function freeThread(limit: number): HashThread {
  const least = [...threads].sort((a, b) => a.open - b.open)[0];
  if (least !== undefined && (least.open === 0 || threads.size >= limit)) return least;
  const thread = new HashThread();
  threads.add(thread);
  return thread;
}

/** The hash of a file, on a thread of its own: while it grows, and while others are hashed. */
export class FileHash {
  readonly #thread: HashThread;
  readonly #task: Omit<Task, "end" | "isLast">;

  /**
   * @param options.prefix hashed before the file. Default: nothing
   * @param options.partSizes bytes of the parts, for the checksum of their checksums. Default: that of the content
   * @param options.chunkSize bytes that are read at a time. Default: 256 KiB
   * @param options.threads threads that all hashes share; a thread takes 8 MiB. Default: as many as there are cores
   */
  constructor(
    path: string,
    algorithm: DigestAlgorithm,
    {
      prefix = "",
      partSizes,
      chunkSize = 2 ** 18,
      threads: limit = availableParallelism(),
    }: {
      readonly prefix?: string;
      readonly partSizes?: readonly number[] | undefined;
      readonly chunkSize?: number;
      readonly threads?: number;
    } = {},
  ) {
    this.#thread = freeThread(limit);
    this.#task = { id: count++, path, algorithm, prefix, partSizes, chunkSize };
    this.#thread.open++;
  }

  /** The bytes up to there will not change any more. */
  extend(end: number): void {
    this.#thread.send({ ...this.#task, end, isLast: false });
  }

  /**
   * Lower-case hex of the bytes up to `end`, or of those that there are. To be called once.
   *
   * @throws the system's error for a file that cannot be read
   */
  async digest(end = Infinity): Promise<string> {
    return this.#thread.finish({ ...this.#task, end, isLast: true });
  }

  /** The digest is not wanted any more. Instead of {@link digest}. */
  cancel(): void {
    this.digest(0).catch(() => undefined);
  }
}
