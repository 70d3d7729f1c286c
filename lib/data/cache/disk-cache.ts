import { accessSync, constants, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ValueError } from "../../config/python-errors";
import { getLogger } from "../../core/logging";
import { loadSafetensors, saveSafetensors } from "../../torch";
import { bytesOf, type CachedSample } from "./memory-cache";

const SUFFIX = ".safetensors";
/** Entry of a file's metadata with the checksums of its tensors. */
const CHECKSUMS = "crc32";
/** Making room goes a little further than it has to, so that not every new file makes room. */
const ROOM = 0.9;

/**
 * The samples that were asked for last, as files in a folder, in at most so many bytes. Any number of threads and processes may use one
 * folder: files appear under their names when they are complete; one that is damaged, or gone, is a sample that is not there.
 *
 * @throws ValueError when the folder cannot be written
 */
export class DiskCache {
  readonly #logger = getLogger("DiskCache");
  /** Bytes of the files as far as this thread knows; null: not looked yet. */
  #bytes: number | null = null;
  #isFull = false;

  constructor(
    readonly folder: string,
    readonly limit: number,
  ) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK | constants.R_OK | constants.X_OK);
    } catch (error) {
      throw new ValueError(
        `expected a folder that can be written as disk.path of the cache, received ${folder}: ${(error as Error).message}; choose another one, or leave disk out`,
        { cause: error },
      );
    }
  }

  /** The tensors; undefined: they are not there. */
  get(key: string): CachedSample | undefined {
    const path = this.#path(key);
    try {
      const { tensors, metadata } = loadSafetensors(path);
      if (metadata[CHECKSUMS] !== checksums(tensors)) throw new Error("its checksum is another");
      const now = new Date();
      utimesSync(path, now, now); // the time of the last use
      return tensors;
    } catch {
      rmSync(path, { force: true });
      return undefined;
    }
  }

  /** Writes a file, and removes the least recently used ones that there is no more room for. A full disk is said once and ends writing. */
  set(key: string, sample: CachedSample): void {
    const bytes = bytesOf(sample);
    if (this.#isFull || bytes > this.limit) return;
    try {
      this.#bytes ??= this.#files().reduce((sum, { size }) => sum + size, 0);
      if (this.#bytes + bytes > this.limit) this.#makeRoom(bytes);
      saveSafetensors(sample, this.#path(key), { metadata: { [CHECKSUMS]: checksums(sample) } });
      this.#bytes += statSync(this.#path(key)).size;
    } catch (error) {
      this.#isFull = true;
      this.#logger.warning(
        `samples are no longer written to the cache ${this.folder}: ${(error as Error).message}; they are loaded from their own files`,
      );
    }
  }

  #path(key: string): string {
    return join(this.folder, `${key}${SUFFIX}`);
  }

  /** All files, those of other processes and interrupted ones included, the least recently used first. */
  #files(): { path: string; size: number; used: number }[] {
    const files = readdirSync(this.folder).flatMap((name) => {
      const path = join(this.folder, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats?.isFile() && name.includes(SUFFIX) ? [{ path, size: stats.size, used: stats.mtimeMs }] : [];
    });
    return files.sort((a, b) => a.used - b.used);
  }

  #makeRoom(bytes: number): void {
    const files = this.#files();
    this.#bytes = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files) {
      if (this.#bytes + bytes <= ROOM * this.limit) break;
      rmSync(path, { force: true });
      this.#bytes -= size;
    }
  }
}

function checksums(sample: CachedSample): string {
  return JSON.stringify(
    [...sample].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, tensor]) => [key, crc32(tensor.bytes())]),
  );
}
