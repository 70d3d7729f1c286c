import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { FileNotFoundError, RuntimeError } from "../../config/python-errors";
import { temporaryPath } from "../../io/files/temporary";

const BUFFER = 2 ** 20;

/** Where a writer puts the bytes of a file, one after the other. */
export class FileSink {
  readonly #pending: Uint8Array[] = [];
  #pendingLength = 0;
  #written = 0;

  constructor(private readonly descriptor: number) {}

  /** Bytes so far. */
  get position(): number {
    return this.#written + this.#pendingLength;
  }

  write(data: Uint8Array | string): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (bytes.length >= BUFFER) {
      this.flush();
      this.#writeAll(bytes, this.#written);
      this.#written += bytes.length;
      return;
    }
    // a copy: the caller may use the memory again
    this.#pending.push(Uint8Array.from(bytes));
    this.#pendingLength += bytes.length;
    if (this.#pendingLength >= BUFFER) this.flush();
  }

  /** Replaces bytes that were written before. */
  patch(text: string, position: number): void {
    this.flush();
    this.#writeAll(Buffer.from(text), position);
  }

  flush(): void {
    if (this.#pendingLength === 0) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending.length = 0;
    this.#pendingLength = 0;
    this.#writeAll(bytes, this.#written);
    this.#written += bytes.length;
  }

  #writeAll(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.descriptor, bytes, done, Math.min(bytes.length - done, 2 ** 30), position + done);
    }
  }
}

/**
 * Writes a file that appears under its name when it is complete and on disk; if anything fails, a previous one is untouched.
 *
 * @throws FileNotFoundError when the folder does not exist; RuntimeError when the file cannot be written.
 */
export function writeFileWhole(path: string, write: (sink: FileSink) => void): void {
  if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory())
    throw new FileNotFoundError(`${path}: expected an existing folder, got ${dirname(path)}; create it first`);
  const temporary = temporaryPath(path);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(temporary, "wx");
    const sink = new FileSink(descriptor);
    write(sink);
    sink.flush();
    fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = undefined;
    renameSync(temporary, path);
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(temporary, { force: true });
    if (error instanceof Error && "syscall" in error)
      throw new RuntimeError(`${path}: could not be written: ${error.message}`, { cause: error });
    throw error;
  }
}
