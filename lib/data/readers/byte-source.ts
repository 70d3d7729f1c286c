/** Where the bytes of a file come from. Parsers know only this, so that they read files and memory alike. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { FileNotFoundError } from "../../config/python-errors";
import { FileFormatError } from "./errors";

/** One system call takes at most 2 GiB. */
const MAX_READ = 2 ** 30;
const CHUNK = 2 ** 20;

/** Random access to bytes that do not change meanwhile. */
export abstract class ByteSource {
  constructor(
    /** What errors call it: the path as it was given. */
    readonly name: string,
    /** Bytes. */
    readonly size: number,
  ) {}

  /** Fills the target with as many of the bytes from `position` as there are, and says how many. */
  protected abstract readSome(target: Uint8Array, position: number): number;

  close(): void {}

  /** The whole content, where it lies in memory already. */
  get memory(): Uint8Array | undefined {
    return undefined;
  }

  /** Fills the target with the bytes from `position`. @throws FileFormatError where the file ends before. */
  read(target: Uint8Array, position: number, what = "data"): void {
    this.require(position, target.length, what);
    for (let done = 0; done < target.length;) {
      const count = this.readSome(target.subarray(done, done + MAX_READ), position + done);
      if (count === 0) throw this.error(`expected ${target.length} bytes of ${what}, got ${done}`, position);
      done += count;
    }
  }

  /** Bytes of their own or, in memory, a view. */
  bytes(position: number, length: number, what?: string): Uint8Array {
    this.require(position, length, what);
    const memory = this.memory;
    if (memory !== undefined) return memory.subarray(position, position + length);
    const target = new Uint8Array(length);
    this.read(target, position, what);
    return target;
  }

  /** Makes sure, before memory is taken, that the file has so many bytes left. */
  require(position: number, length: number, what = "data"): void {
    const left = Math.max(0, this.size - position);
    if (!(length <= left))
      throw this.error(`expected ${length} bytes of ${what}, got ${left}: the file is cut short or damaged`, position);
  }

  /** An error at a byte of the file. */
  error(problem: string, offset?: number, cause?: unknown): FileFormatError {
    return new FileFormatError(this.name, problem, { offset, cause });
  }

  /** An error at a byte of a text, told by its line. */
  errorInText(problem: string, offset: number): FileFormatError {
    let line = 1;
    for (let start = 0; start < Math.min(offset, this.size); start += CHUNK) {
      const bytes = this.bytes(start, Math.min(CHUNK, Math.min(offset, this.size) - start));
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) line++;
    }
    return new FileFormatError(this.name, problem, { offset, line });
  }
}

class MemorySource extends ByteSource {
  constructor(
    name: string,
    private readonly content: Uint8Array,
  ) {
    super(name, content.length);
  }

  override get memory(): Uint8Array {
    return this.content;
  }

  protected readSome(target: Uint8Array, position: number): number {
    const part = this.content.subarray(position, position + target.length);
    target.set(part);
    return part.length;
  }
}

class FileSource extends ByteSource {
  constructor(
    name: string,
    size: number,
    private readonly descriptor: number,
  ) {
    super(name, size);
  }

  protected readSome(target: Uint8Array, position: number): number {
    return readSync(this.descriptor, target, 0, target.length, position);
  }

  override close(): void {
    closeSync(this.descriptor);
  }
}

/** Bytes in memory under a name for errors. */
export function bytesSource(bytes: Uint8Array, name = "bytes"): ByteSource {
  return new MemorySource(name, bytes);
}

/**
 * Opens a file, hands it to the body and closes it.
 *
 * @throws FileNotFoundError when there is none; {@link FileFormatError} when it is not a regular file, or cannot be read.
 */
export function withFile<T>(path: string, body: (source: ByteSource) => T): T {
  const source = openFile(path);
  try {
    return body(source);
  } catch (error) {
    if (isSystemError(error)) throw new FileFormatError(path, `could not be read: ${error.message}`, { cause: error });
    throw error;
  } finally {
    source.close();
  }
}

/** Opens a file; whoever calls closes it. */
export function openFile(path: string): ByteSource {
  if (typeof path !== "string" || path === "" || path.includes("\0"))
    throw new TypeError(`expected a path, got ${typeof path === "string" ? JSON.stringify(path) : typeof path}`);
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "ENOENT" || error.code === "ENOTDIR")
      throw new FileNotFoundError(`${path}: expected a file, got nothing of that name`, { cause: error });
    throw new FileFormatError(path, `could not be opened: ${error.message}`, { cause: error });
  }
  const status = fstatSync(descriptor);
  if (!status.isFile()) {
    closeSync(descriptor);
    throw new FileFormatError(path, `expected a file, got ${status.isDirectory() ? "a folder" : "no regular file"}`);
  }
  return new FileSource(path, status.size, descriptor);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}
