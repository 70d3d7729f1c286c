import { chmodSync, existsSync } from "node:fs";
import { chmod, type FileHandle, lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInputError, IoError, messageOf, systemCode } from "../errors";
import { FileLock } from "../files/file-lock";
import { explainNoSpace, isNoSpace } from "../files/free-space";
import { isFlocked } from "../files/flock";
import { makeFolder } from "../files/make-folder";
import { removeDeadTemporaries, temporaryPath } from "../files/temporary";
import { log } from "../logging";
import { cacheName } from "./cache-name";

/** Where the cache gets files from. */
export interface CacheTarget {
  /** Writes the content of a remote path to a local file, which is empty or missing. */
  getFile(path: string, localPath: string): Promise<void>;
  /**
   * What tells one content of a remote path from another, e.g. its ETag. Asked for at each reading: a file that has changed is
   * fetched again, the old one goes like any other that nobody reads. Default: files do not change
   */
  version?(path: string): Promise<string>;
}

/** Options of {@link LRUCacheFileSystem}. */
export interface LRUCacheOptions {
  /** Folder of the cached files; made if it is missing. Several processes may share it. */
  readonly storage: string;
  /** Bytes that the files may have together; null: no limit. */
  readonly cacheSize: number | null;
  readonly target: CacheTarget;
  /** Mode of a folder that is made. Default: `0o770` */
  readonly cacheStorageDmode?: number;
  /** Mode of cached files, whatever the umask. Default: `0o660` */
  readonly cacheStorageMode?: number;
  /** Seconds between looks at the size while there is plenty of room. Default: 2 */
  readonly enforceSizeEverySeconds?: number;
  /** Part of the limit from which on files are removed. Default: 0.95 */
  readonly cacheCleanupHighWatermark?: number;
  /** Part of the limit that is left then. Default: 0.8 */
  readonly cacheCleanupLowWatermark?: number;
  /** Seconds to wait for another who fetches the same file. Default: 60 */
  readonly lockTimeoutSeconds?: number;
  /** Milliseconds. Default: the time of the system */
  readonly now?: () => number;
}

/** A file of the cache. */
export interface CachedFile {
  /** In the folder. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** When it was read last, in milliseconds since 1970. */
  readonly time: number;
}

const CLEANUP_LOCK = ".cleanup_lock";

/**
 * A read-only cache of whole files in a folder of this machine. A file is fetched once, also when many processes ask for it;
 * those that were read least recently go first.
 *
 * Every file is fetched under a name of its own and renamed, so that nobody reads half of one, whoever dies. Locks only keep
 * work from being done twice; those of a dead process are taken over.
 */
export class LRUCacheFileSystem {
  readonly storage: string;
  readonly target: CacheTarget;
  /** Bytes; null: no limit. May be changed. */
  cacheStorageSize: number | null;
  cacheStorageMode: number;
  enforceSizeEverySeconds: number;
  cacheCleanupHighWatermark: number;
  cacheCleanupLowWatermark: number;
  readonly #lockTimeout: number;
  /** Milliseconds since 1970. */
  protected readonly now: () => number;
  /** When the size was looked at last, in milliseconds. */
  lastEnforcement = -Infinity;
  /** Bytes then, and what this process has added since. */
  #used = 0;
  readonly #fetching = new Map<string, Promise<FileHandle | null>>();

  /** @throws InvalidInputError for a limit or watermarks that cannot be */
  constructor(options: LRUCacheOptions) {
    this.storage = options.storage;
    this.target = options.target;
    this.cacheStorageSize = options.cacheSize;
    this.cacheStorageMode = options.cacheStorageMode ?? 0o660;
    this.enforceSizeEverySeconds = options.enforceSizeEverySeconds ?? 2;
    this.cacheCleanupHighWatermark = options.cacheCleanupHighWatermark ?? 0.95;
    this.cacheCleanupLowWatermark = options.cacheCleanupLowWatermark ?? 0.8;
    this.#lockTimeout = (options.lockTimeoutSeconds ?? 60) * 1000;
    this.now = options.now ?? Date.now;
    const { cacheSize } = options;
    const { cacheCleanupHighWatermark: high, cacheCleanupLowWatermark: low } = this;
    if (cacheSize !== null && !(cacheSize >= 0))
      throw new InvalidInputError(`expected cache_size to be a number of bytes or null, got ${cacheSize}`);
    if (!(low > 0 && low <= high && high <= 1))
      throw new InvalidInputError(`expected 0 < low watermark <= high watermark <= 1, got ${low} and ${high}`);
    if (!existsSync(this.storage)) {
      makeFolder(this.storage);
      chmodSync(this.storage, options.cacheStorageDmode ?? 0o770);
    }
  }

  /** Where the content of a remote path is or will be; `version` as the target tells it, if it does. */
  cachedPath(path: string, version?: string): string {
    return join(this.storage, cacheName(keyOf(path, version)));
  }

  /**
   * Opens a remote path for reading: its cached file, which is fetched if it is not there. The handle stays valid when the
   * file is removed from the cache meanwhile.
   *
   * @throws InvalidInputError for another mode than `r`, `rb`, `rt`; whatever the target throws
   */
  async open(path: string, mode = "rb"): Promise<FileHandle> {
    if (typeof path !== "string") throw new TypeError(`expected a path as text, got ${typeof path}`);
    if (!["r", "rb", "rt"].includes(mode))
      throw new InvalidInputError(
        `Writes are not supported in ${this.constructor.name}: expected the mode rb, got ${mode}`,
      );
    const key = keyOf(path, await this.target.version?.(path));
    for (;;) {
      const hit = await this.#openCached(key);
      if (hit !== null) return hit;
      const name = cacheName(key);
      // those who ask for the same at the same time wait for the first, and open their own
      const running = this.#fetching.get(name);
      if (running !== undefined) {
        await running.catch(() => undefined);
        continue;
      }
      const fetching = this.#fetch(path, key);
      this.#fetching.set(name, fetching);
      try {
        const handle = await fetching;
        if (handle !== null) return handle;
      } finally {
        this.#fetching.delete(name);
      }
    }
  }

  /** The content of a remote path. */
  async catFile(path: string): Promise<Buffer> {
    const file = await this.open(path);
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  /**
   * Bytes `[start, end)` of several paths.
   *
   * @param onError `return`: an error takes the place of its result. Default
   */
  async catRanges(
    paths: readonly string[],
    starts: number | readonly number[],
    ends: number | readonly number[],
    onError: "return" | "raise" = "return",
  ): Promise<(Buffer | Error)[]> {
    const at = (values: number | readonly number[], index: number): number =>
      typeof values === "number" ? values : (values[index] ?? NaN);
    return Promise.all(
      paths.map(async (path, index) => {
        try {
          return await this.#slice(path, at(starts, index), at(ends, index));
        } catch (error) {
          if (onError === "raise" || !(error instanceof Error)) throw error;
          return error;
        }
      }),
    );
  }

  async #slice(path: string, start: number, end: number): Promise<Buffer> {
    if (!(start >= 0 && end >= start)) throw new InvalidInputError(`expected a range of bytes, got ${start} to ${end}`);
    const file = await this.open(path);
    try {
      const { size } = await file.stat();
      const length = Math.max(0, Math.min(end, size) - start);
      const buffer = Buffer.alloc(length);
      if (length > 0) await file.read(buffer, 0, length, start);
      return buffer;
    } finally {
      await file.close();
    }
  }

  /** The cached file, and a note that it was read; null: it is not there. */
  async #openCached(key: string): Promise<FileHandle | null> {
    try {
      const file = await open(this.cachedPath(key), "r");
      await this.#noteRead(key, file);
      return file;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return null;
      throw error;
    }
  }

  async #noteRead(key: string, file: FileHandle): Promise<void> {
    try {
      const now = new Date(this.now());
      await file.utimes(now, now).catch(() => undefined); // of another user: it stays as old as it is
      const { size } = await file.stat();
      await this.#unlessFull(() => this.noteRead(key, size));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Notes what happened; on a full disk that is left out, as the file can be read all the same. */
  async #unlessFull(note: () => Promise<void>): Promise<void> {
    try {
      await note();
    } catch (error) {
      if (!isNoSpace(error) && !/database or disk is full/.test(messageOf(error))) throw error;
      log.warning(`no space left in ${this.storage}: it is not noted which file was read`);
    }
  }

  /** A cached file was read; for subclasses with a bookkeeping of their own, as are the others. */
  protected async noteRead(_path: string, _size: number): Promise<void> {}

  /** A file was fetched, or found. */
  protected async notePlaced(_path: string, _size: number): Promise<void> {}

  /** A file was removed. */
  protected async noteRemoved(_name: string): Promise<void> {}

  /** Fetches a file; null: another has done it. */
  async #fetch(path: string, key: string): Promise<FileHandle | null> {
    const file = this.cachedPath(key);
    const lock = await this.#lockOf(cacheName(key)).acquire({ timeout: this.#lockTimeout });
    const temporary = temporaryPath(file);
    try {
      await this.#waitForPython(file);
      if (existsSync(file)) return null;
      await this.target.getFile(path, temporary);
      await chmod(temporary, this.cacheStorageMode);
      return await this.#place(key, temporary, file);
    } catch (error) {
      throw explainNoSpace(error, this.storage, `${path} is not cached, what is cached stays`);
    } finally {
      await rm(temporary, { force: true });
      await lock.release();
    }
  }

  /** Waits while a process of the Python framework fetches the same file. It does not see our locks, but we see its. */
  async #waitForPython(file: string): Promise<void> {
    const end = performance.now() + this.#lockTimeout;
    while (!existsSync(file) && performance.now() < end && (await isFlocked(`${file}.lock`)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Gives a fetched file its name when there is room; one that alone is too large is only handed out. */
  async #place(key: string, temporary: string, file: string): Promise<FileHandle> {
    const handle = await open(temporary, "r");
    try {
      const { size } = await handle.stat();
      if (this.cacheStorageSize === null) {
        await rename(temporary, file);
        await this.#unlessFull(() => this.notePlaced(key, size));
      } else if (size > this.cacheStorageSize)
        log.warning(`${file} is not kept: its ${size} bytes are more than the whole cache of ${this.cacheStorageSize}`);
      else {
        const held = await this.#lockOf(CLEANUP_LOCK).acquire({ timeout: this.#lockTimeout });
        try {
          if (this.#isDue(size)) await this.#makeRoom(size);
          await rename(temporary, file);
          await this.#unlessFull(() => this.notePlaced(key, size));
          this.#used += size;
        } finally {
          await held.release();
        }
      }
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** While less than half is used, others are not expected to fill the rest between two looks. */
  #isDue(incoming: number): boolean {
    const isRecent = this.now() - this.lastEnforcement < this.enforceSizeEverySeconds * 1000;
    return !isRecent || this.#used + incoming > (this.cacheStorageSize ?? Infinity) / 2;
  }

  /** Looks at the size, unless it was looked at a moment ago or another process does, and removes what is too much. */
  async enforceSize(force = false): Promise<void> {
    if (this.cacheStorageSize === null) return;
    if (!force && this.now() - this.lastEnforcement < this.enforceSizeEverySeconds * 1000) return;
    const held = await this.#lockOf(CLEANUP_LOCK).tryAcquire();
    if (held === null) {
      this.lastEnforcement = this.now();
      return;
    }
    try {
      await this.#makeRoom(0);
    } finally {
      await held.release();
    }
  }

  /** Removes files, the least recently read first, when those that are there and so many bytes more would be too much. */
  async #makeRoom(incoming: number): Promise<void> {
    const limit = this.cacheStorageSize as number;
    removeDeadTemporaries(this.storage);
    const files = await this.cachedFiles();
    this.#used = files.reduce((sum, { size }) => sum + size, 0);
    this.lastEnforcement = this.now();
    if (this.#used + incoming <= limit * this.cacheCleanupHighWatermark) return;
    const goal = Math.max(0, limit * this.cacheCleanupLowWatermark - incoming);
    for (const { name, size } of files.sort((a, b) => a.time - b.time)) {
      if (this.#used <= goal) break;
      if (await this.#remove(name)) this.#used -= size;
    }
    if (this.#used + incoming > limit)
      throw new IoError(
        "IO_CACHE_FULL",
        `the cache ${this.storage} is full of files that are locked: give it more than ${limit} bytes`,
      );
  }

  async #remove(name: string): Promise<boolean> {
    const lock = await this.#lockOf(name).tryAcquire();
    if (lock === null || (await isFlocked(join(this.storage, `${name}.lock`)))) {
      await lock?.release();
      log.debug(`${name} is locked and stays in the cache`);
      return false;
    }
    try {
      await rm(join(this.storage, name), { force: true });
      await this.noteRemoved(name);
      return true;
    } catch (error) {
      log.info(`${name} stays in the cache: ${messageOf(error)}`);
      return false;
    } finally {
      await lock.release();
    }
  }

  /** What is cached. */
  protected async cachedFiles(): Promise<CachedFile[]> {
    const names = (await readdir(this.storage)).filter(isCachedFile);
    const files = await Promise.all(
      names.map(async (name) => {
        const status = await lstat(join(this.storage, name)).catch(() => null); // it may have just been removed
        return status?.isFile() ? { name, size: status.size, time: status.mtimeMs } : null;
      }),
    );
    return files.filter((file) => file !== null);
  }

  /** The bytes that the cached files have now. */
  async usedBytes(): Promise<number> {
    return (await this.cachedFiles()).reduce((sum, { size }) => sum + size, 0);
  }

  /** The lock of a cached file. */
  #lockOf(name: string): FileLock {
    return new FileLock(
      join(this.storage, name === CLEANUP_LOCK ? `${CLEANUP_LOCK}.owner.lock` : `.${name}.owner.lock`),
    );
  }

  /** Whether a path is cached. */
  async isCached(path: string): Promise<boolean> {
    return (await stat(this.cachedPath(path)).catch(() => null)) !== null;
  }
}

/** Names of other things: locks, files that are being fetched, and the table of {@link SqliteLRUCacheFileSystem}. */
function isCachedFile(name: string): boolean {
  return !name.startsWith(".") && !name.endsWith(".lock") && !name.startsWith("cache_metadata.sqlite");
}

/** What the cache knows a content by: the remote path, and the version where there is one. */
function keyOf(path: string, version: string | undefined): string {
  return version === undefined ? path : `${path}@${version}`;
}
