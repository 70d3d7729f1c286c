import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { IntegrityError, InterruptedTransferError, messageOf } from "../errors";
import { explainNoSpace } from "../files/free-space";
import { BulkBody } from "../http/bulk";
import { log } from "../logging";
import type { Digest } from "../verification/digest";
import { updateFromFile } from "../verification/hash-file";
import { hashFor } from "./checksum";
import { GatheredChunks } from "./gathered-chunks";
import type { LogProgress } from "./log-progress";
import { PartialFile } from "./partial-file";
import { partsDigest } from "./parts-digest";
import type { RemoteBody, RemoteFile } from "./remote-file";
import { type Attempt, type RetryOptions, withRetries } from "../http/retry";
import { Slots } from "./slots";

/** How a file is fetched. */
export interface DownloadOptions extends RetryOptions {
  readonly progress?: Pick<LogProgress, "update" | "resume">;
  /** Bounds the requests at a time; several downloads may share it. Default: 8 for this file */
  readonly slots?: Slots;
  /** Parts of the file at a time, where the server has ranges. Default: 8 */
  readonly parts?: number;
  /** Bytes of a part. Default: 8 MiB */
  readonly partSize?: number;
  /** Milliseconds without a byte after which a connection is given up. Default: 30 000 */
  readonly idleTimeout?: number;
  /** Where the bytes are until the file is complete, instead of beside it. */
  readonly partialPath?: string;
  /** Called when all bytes are on the disk and right, before the file gets its name. */
  readonly beforeNamed?: () => Promise<void>;
}

const PART_SIZE = 8 * 2 ** 20;
/** Files below this size are fetched anew when their process ended: continuing them costs more. */
const RESUMED_FROM = 2 ** 20;
/** Threads that compute checksums of files in parts: the other cores transfer. */
const HASH_THREADS = Math.ceil(availableParallelism() / 2);
/** Whole fetches of a file whose checksum is wrong. */
const CHECKSUM_TRIES = 2;

/**
 * Fetches a file: under a temporary name, continued where an earlier process ended, tried again after errors that pass,
 * compared with its length and checksum, brought to disk, renamed. What was there under the name stays until then.
 *
 * @returns the size in bytes
 * @throws IntegrityError for a wrong checksum, also after fetching it anew; InterruptedTransferError when the server gives
 *   fewer bytes than it says, each time; RemoteError for its other refusals; IoError (`IO_NO_SPACE`) when the disk is full
 */
export async function downloadFile(remote: RemoteFile, target: string, options: DownloadOptions = {}): Promise<number> {
  try {
    return await download(remote, target, options);
  } catch (error) {
    throw explainNoSpace(error, dirname(target), "what is there stays, the next try continues");
  }
}

/** Bytes that still have to find room: those of the file without what an earlier try has left. Unknown sizes count nothing. */
export async function bytesToFetch(remote: RemoteFile, target: string, partialPath?: string): Promise<number> {
  const size = remote.size ?? 0;
  if (size < RESUMED_FROM && partialPath === undefined) return size;
  return Math.max(0, size - (await PartialFile.bytesLeft(target, remote.version, partialPath)));
}

async function download(remote: RemoteFile, target: string, options: DownloadOptions): Promise<number> {
  const isContinued = (remote.size ?? Infinity) >= RESUMED_FROM || options.partialPath !== undefined;
  const partial = await PartialFile.open(target, isContinued ? remote.version : null, options.partialPath);
  let isWhole = false;
  try {
    const size = await new Transfer(remote, partial, options).run();
    isWhole = true;
    await partial.commit(target, options.beforeNamed);
    return size;
  } catch (error) {
    // a part of a content that was found wrong is of no use
    await partial.abandon(!isWhole && !(error instanceof IntegrityError));
    throw error;
  }
}

/** One file on its way. */
class Transfer {
  readonly #remote: RemoteFile;
  readonly #partial: PartialFile;
  readonly #options: DownloadOptions;
  readonly #slots: Slots;
  /** Ends everything that is on its way for this file. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #partSize: number;
  #size: number | null;

  constructor(remote: RemoteFile, partial: PartialFile, options: DownloadOptions) {
    this.#remote = remote;
    this.#partial = partial;
    this.#options = options;
    this.#slots = options.slots ?? new Slots(options.parts ?? 8);
    this.#size = remote.size;
    this.#partSize = options.partSize ?? PART_SIZE;
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal;
  }

  async run(): Promise<number> {
    if (this.#remote.prepare !== undefined) await this.#slots.run(async () => this.#remote.prepare!(this.#signal));
    for (let tries = 1; ; tries++) {
      const { size, digest } = (await this.#isFetchedInParts()) ? await this.#inParts() : await this.#inOneGo();
      const { checksum } = this.#remote;
      if (checksum === null || digest === checksum.hex) return size;
      const message = `${this.#remote.name}: expected the ${checksum.algorithm} ${checksum.hex}, got ${digest}`;
      if (tries === CHECKSUM_TRIES)
        throw new IntegrityError(
          `${message}, also after fetching it anew: what the server has is damaged, nothing is kept`,
        );
      log.warning(`${message}; fetching it anew`);
      this.#options.progress?.update(-size);
      await this.#partial.clear();
    }
  }

  async #isFetchedInParts(): Promise<boolean> {
    const { size, hasRanges, version } = this.#remote;
    if (size === null || version === null) return false;
    if (await this.#partial.hasParts()) return true;
    return hasRanges && size >= 2 * this.#partSize && (this.#options.parts ?? 8) > 1;
  }

  /** From the first byte that is missing to the end, the checksum on the way. */
  async #inOneGo(): Promise<{ size: number; digest: string | null }> {
    let position = await this.#partial.length();
    if (this.#size !== null && position > this.#size) {
      await this.#partial.clear();
      position = 0;
    }
    const { checksum } = this.#remote;
    let hash = await this.#hashOf(position);
    if (position > 0) this.#options.progress?.resume(position);
    const isDone = (): boolean => this.#size !== null && position === this.#size;

    const fetchRest = async (attempt: Attempt): Promise<void> => {
      if (isDone()) return;
      await this.#read(position, null, async (chunks) => {
        hash ??= await this.#hashOf(0);
        for (const chunk of chunks) hash?.update(chunk);
        position += await this.#partial.write(chunks, position);
        attempt.progressed();
      });
      this.#size ??= position;
      if (!isDone()) throw this.#tooShort(position);
    };
    await withRetries(this.#remote.name, fetchRest, { ...this.#options, signal: this.#signal });
    // an answer may say that the checksum is none, or that another one is right
    if (checksum !== this.#remote.checksum) hash = await this.#hashOf(position);
    return { size: position, digest: (hash ?? (await this.#hashOf(0)))?.digest().toString("hex") ?? null };
  }

  /** Parts at the same time, with the checksum. */
  async #inParts(): Promise<{ size: number; digest: string | null }> {
    const size = this.#remote.size as number;
    const partSize = this.#partSize;
    const count = Math.ceil(size / partSize);
    const had = await this.#partial.length();
    const kept = (await this.#partial.hasParts())
      ? await this.#partial.completeParts(partSize)
      : new Set(Array.from({ length: Math.floor(Math.min(had, size) / partSize) }, (_, index) => index));
    const endOf = (index: number): number => Math.min(size, (index + 1) * partSize);
    const { checksum } = this.#remote;
    const digest = checksum === null ? null : partsDigest(this.#partial.path, checksum, size, HASH_THREADS);
    const completePart = async (index: number, ofPart: Digest | null): Promise<void> => {
      await this.#partial.completePart(index, partSize);
      await digest?.completePart(index * partSize, endOf(index), ofPart);
    };
    try {
      const missing: number[] = [];
      await this.#partial.beginParts();
      for (let index = 0; index < count; index++) {
        if (kept.has(index) && endOf(index) <= had) {
          this.#options.progress?.resume(endOf(index) - index * partSize);
          await completePart(index, null);
        } else missing.push(index);
      }
      await this.#fetchParts(missing, async (index) => {
        const ofPart = digest?.beginPart() ?? null;
        await this.#part(index * partSize, endOf(index) - index * partSize, ofPart);
        await completePart(index, ofPart);
      });
      await this.#partial.truncate(size);
    } catch (error) {
      digest?.cancel();
      throw error;
    }
    return { size, digest: (await digest?.digest(size)) ?? null };
  }

  /** Fetches parts, so many at a time; the first that fails ends the others. */
  async #fetchParts(missing: number[], fetchPart: (index: number) => Promise<void>): Promise<void> {
    const worker = async (): Promise<void> => {
      try {
        for (let index = missing.shift(); index !== undefined; index = missing.shift()) await fetchPart(index);
      } catch (error) {
        this.#stop.abort(error);
        throw error;
      }
    };
    const workers = Array.from({ length: Math.min(this.#options.parts ?? 8, missing.length) }, worker);
    const failed = (await Promise.allSettled(workers)).find((each) => each.status === "rejected");
    if (failed !== undefined) throw this.#stop.signal.reason ?? failed.reason;
  }

  async #part(start: number, length: number, digest: Digest | null): Promise<void> {
    let done = 0;
    const fetchRest = async (attempt: Attempt): Promise<void> => {
      await this.#read(start + done, start + length, async (chunks) => {
        done += await this.#partial.write(chunks, start + done);
        for (const chunk of chunks) digest?.update(chunk);
        attempt.progressed();
      });
      if (done < length) throw this.#tooShort(start + done);
    };
    await withRetries(this.#remote.name, fetchRest, { ...this.#options, signal: this.#signal });
  }

  /** One request: gives the bytes of a range to `take`, many at a time, no matter where the server begins. */
  async #read(start: number, end: number | null, take: (chunks: Buffer[]) => Promise<void>): Promise<void> {
    await this.#slots.run(async () => {
      this.#signal.throwIfAborted();
      const body = await this.#remote.open(start, end, this.#signal);
      const limit = end ?? this.#size ?? Infinity;
      const gathered = new GatheredChunks(take);
      try {
        this.#checkSize(body, start);
        let position = body.start;
        for await (const chunk of withIdleTimeout(body, this.#options.idleTimeout ?? 30_000, this.#remote.name)) {
          const from = Math.max(0, start - position);
          const until = Math.min(chunk.length, limit - position);
          if (end === null && position + chunk.length > limit)
            throw new IntegrityError(`${this.#remote.name}: expected ${limit} bytes, the server sends more`);
          position += chunk.length;
          if (until > from) {
            await gathered.add(chunk.subarray(from, until));
            // its memory is used again
            if (body.stream instanceof BulkBody) await gathered.flush();
            this.#options.progress?.update(until - from);
          }
          if (position >= limit && end !== null) break;
        }
        await gathered.flush();
      } catch (error) {
        await gathered.flush(); // what came before the connection was cut is good
        throw asInterruption(error, this.#remote.name);
      } finally {
        body.stream.destroy();
      }
    });
  }

  #checkSize({ size, start: begin }: RemoteBody, start: number): void {
    if (begin > start)
      throw new InterruptedTransferError(`${this.#remote.name}: asked for bytes from ${start}, got them from ${begin}`);
    if (size === null) return;
    this.#size ??= size;
    if (size !== this.#size)
      throw new InterruptedTransferError(
        `${this.#remote.name}: expected a file of ${this.#size} bytes, the server announces ${size}`,
      );
  }

  #tooShort(position: number): InterruptedTransferError {
    return new InterruptedTransferError(
      `${this.#remote.name}: expected ${this.#size} bytes, the transfer ended at ${position}`,
    );
  }

  /** The checksum of what is there; null where there is none to compare with, or the size that it needs is not known yet. */
  async #hashOf(length: number): Promise<Digest | null> {
    const { checksum } = this.#remote;
    if (checksum === null || (this.#size === null && checksum.algorithm === "git-sha1")) return null;
    const hash = hashFor(checksum, this.#size ?? 0);
    if (length > 0) await updateFromFile(hash, this.#partial.path, { end: length });
    return hash;
  }
}

/** The chunks of a body; an error when none comes for so long. */
async function* withIdleTimeout({ stream }: RemoteBody, milliseconds: number, name: string): AsyncGenerator<Buffer> {
  const timer = setTimeout(() => {
    stream.destroy(new InterruptedTransferError(`${name}: nothing came for ${milliseconds / 1000} s`));
  }, milliseconds);
  try {
    for await (const chunk of stream instanceof BulkBody ? stream.chunks() : (stream as AsyncIterable<Buffer>)) {
      timer.refresh();
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** What a stream throws when its connection is cut. */
function asInterruption(error: unknown, name: string): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const isCut =
    code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "EPIPE" || code === "ETIMEDOUT";
  if (isCut || (error instanceof Error && /^(aborted|terminated)$/.test(error.message)))
    return new InterruptedTransferError(`${name}: the connection was cut: ${messageOf(error)}`, { cause: error });
  return error;
}
