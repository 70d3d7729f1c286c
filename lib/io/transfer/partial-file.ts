import { constants } from "node:fs";
import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../errors";
import { FileLock, type HeldLock } from "../files/file-lock";
import { makeFolder } from "../files/make-folder";
import { temporaryPath } from "../files/temporary";

/**
 * The bytes of a file that is being fetched, beside where it will be. Its name holds the version of the content, so that
 * what an ended process left is continued, and only by the same content: `.<name>.<version>.part`. Which parts are complete
 * is in `….part.chunks`, a line each, added when the bytes are written.
 */
export class PartialFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #lock: HeldLock | null;
  readonly #journal: string;
  #journalHandle: FileHandle | null = null;

  private constructor(path: string, handle: FileHandle, lock: HeldLock | null) {
    this.path = path;
    this.#handle = handle;
    this.#lock = lock;
    this.#journal = `${path}.chunks`;
  }

  /**
   * Opens what is there of a version, or begins it. Where another process fetches the same, or without a version, a file
   * of its own name is begun, so that two never write into one.
   */
  static async open(target: string, version: string | null, path = partPath(target, version)): Promise<PartialFile> {
    const lock = version === null ? null : await lockOf(path);
    const own = lock === null ? temporaryPath(target) : path;
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const flags = O_RDWR | O_CREAT | (lock === null ? O_EXCL : (O_NOFOLLOW ?? 0));
    try {
      const handle = await inFolder(own, () => open(own, flags));
      // a journal that outlived its file says nothing of a new one
      if (lock !== null && (await handle.stat()).size === 0) await rm(`${own}.chunks`, { force: true });
      return new PartialFile(own, handle, lock);
    } catch (error) {
      await lock?.release();
      throw error;
    }
  }

  /** Bytes on the disk that an earlier try has left of a version. */
  static async bytesLeft(target: string, version: string | null, path = partPath(target, version)): Promise<number> {
    const status = version === null ? null : await stat(path).catch(() => null);
    // a file in parts has holes
    return status === null ? 0 : Math.min(status.size, status.blocks * 512);
  }

  /** Bytes that are there, from the beginning, when the file is fetched in one go. */
  async length(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Numbers of the parts of a size that are complete. */
  async completeParts(partSize: number): Promise<Set<number>> {
    const text = await readFile(this.#journal, "utf8").catch(() => "");
    // the last line may be torn
    const lines = text.split("\n").slice(0, -1);
    const own = lines.map((line) => /^(\d+) of (\d+)$/.exec(line)).filter((match) => Number(match?.[2]) === partSize);
    return new Set(own.map((match) => Number(match![1])));
  }

  /** Whether parts were written: then the length says nothing. */
  async hasParts(): Promise<boolean> {
    return (await stat(this.#journal).catch(() => null)) !== null;
  }

  /** Says that the file is fetched in parts from now on. */
  async beginParts(): Promise<void> {
    this.#journalHandle ??= await open(this.#journal, "a");
  }

  /** A part's bytes are all written. */
  async completePart(index: number, partSize: number): Promise<void> {
    await this.#journalHandle?.write(`${index} of ${partSize}\n`);
  }

  /** @returns how many bytes were written: all */
  async write(chunks: readonly Uint8Array[], position: number): Promise<number> {
    let left = [...chunks];
    let written = 0;
    while (left.length > 0) {
      const { bytesWritten } = await this.#handle.writev(left, position + written);
      written += bytesWritten;
      left = after(left, bytesWritten);
    }
    return written;
  }

  /** Begins anew. */
  async clear(): Promise<void> {
    await this.#closeJournal(true);
    await this.#handle.truncate(0);
  }

  /** Forgets what is beyond a length, and keeps the journal. */
  async truncate(length: number): Promise<void> {
    await this.#handle.truncate(length);
  }

  /** Brings the bytes to disk and gives the file its name; calls `beforeNamed` in between. */
  async commit(target: string, beforeNamed?: () => Promise<void>): Promise<void> {
    await this.#handle.datasync();
    await this.#handle.close();
    // before the rename: all parts are there, so that from now on the length alone is right
    await this.#closeJournal(this.#journalHandle !== null || this.#lock !== null);
    await beforeNamed?.();
    await inFolder(target, () => rename(this.path, target));
    await this.#lock?.release();
  }

  /** Ends without the file. What is there stays for the next try, unless it is of no use. */
  async abandon(keep: boolean): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    const isUseful = keep && this.#lock !== null && ((await stat(this.path).catch(() => null))?.size ?? 0) > 0;
    await this.#closeJournal(!isUseful);
    if (!isUseful) await rm(this.path, { force: true });
    await this.#lock?.release();
  }

  async #closeJournal(remove: boolean): Promise<void> {
    await this.#journalHandle?.close();
    this.#journalHandle = null;
    if (remove) await rm(this.#journal, { force: true });
  }
}

/** The chunks without their first bytes. */
function after(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let first = 0;
  for (; first < chunks.length && bytes >= (chunks[first] as Uint8Array).length; first++)
    bytes -= (chunks[first] as Uint8Array).length;
  const [head, ...rest] = chunks.slice(first);
  return head === undefined ? [] : [head.subarray(bytes), ...rest];
}

async function lockOf(path: string): Promise<HeldLock | null> {
  makeFolder(dirname(path));
  return new FileLock(`${path}.lock`).tryAcquire();
}

/** The folder is made only where it is missing: most files have their neighbours there already. */
async function inFolder<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    makeFolder(dirname(path));
    return task();
  }
}

function partPath(target: string, version: string | null): string {
  const id = createHash("sha256")
    .update(version ?? "")
    .digest("hex")
    .slice(0, 16);
  const name = Buffer.from(basename(target))
    .subarray(0, 200)
    .toString()
    .replace(/\uFFFD$/, "");
  return join(dirname(target), `.${name}.${id}.part`);
}
