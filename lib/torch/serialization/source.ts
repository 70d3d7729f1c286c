/** Where a file's bytes come from: a file on disk, read natively, or bytes in memory. */
import { types } from "node:util";
import { native } from "../addon";
import { checkPath } from "./atomic";
import { about, aboutAsync, damaged } from "./errors";
import { runAsync, runSync, type Steps } from "./steps";

/** A storage as the addon holds it: handle of a 1-D uint8 tensor. Whoever asks for it frees it. */
export interface LoadedStorage {
  readonly handle: number;
  /** CRC-32 of the bytes; null where they were not read (mapped). */
  readonly crc32: number | null;
}

/** Random access to the bytes of a file. Every range is checked; `close` is due. */
export interface Source {
  readonly size: number;
  /** A small range: headers, the pickle. */
  read(offset: number, length: number): Uint8Array;
  /** A range as a storage. */
  storage(offset: number, length: number): LoadedStorage;
  storageAsync(offset: number, length: number): Promise<LoadedStorage>;
  close(): void;
}

/**
 * A file on disk.
 *
 * @param mmap storages lie in the mapped file (copy-on-write) instead of memory of their own.
 * @throws an error with code `ERR_FILE_NOT_FOUND` or `ERR_FILE`.
 */
export function openFile(path: string, mmap: boolean): Source {
  const archive = native.archiveOpen(path);
  const read = ({ storage, crc32 }: { storage: number; crc32: number }): LoadedStorage => ({ handle: storage, crc32 });
  // a kernel that reads elements wants them aligned; torch.save and safetensors both see to it
  const isMapped = (offset: number) => mmap && offset % 16 === 0;
  const map = (offset: number, length: number): LoadedStorage => ({
    handle: native.archiveMap(archive, offset, length),
    crc32: null,
  });
  return {
    size: native.archiveSize(archive),
    read: (offset, length) => new Uint8Array(native.archiveBytes(archive, offset, length)),
    storage: (offset, length) =>
      isMapped(offset) ? map(offset, length) : read(native.archiveRead(archive, offset, length)),
    storageAsync: async (offset, length) =>
      isMapped(offset) ? map(offset, length) : read(await native.archiveReadAsync(archive, offset, length)),
    close: () => native.archiveClose(archive),
  };
}

/** Code of the dtype of storages. */
export const UINT8 = 0;

/** Bytes in memory; storages are copies. */
export function openBytes(bytes: Uint8Array): Source {
  const range = (offset: number, length: number): Uint8Array => {
    if (offset < 0 || length < 0 || offset + length > bytes.byteLength) {
      throw damaged(`${bytes.byteLength} bytes where ${offset} + ${length} are due`);
    }
    return bytes.subarray(offset, offset + length);
  };
  const storage = (offset: number, length: number): LoadedStorage => {
    const part = range(offset, length);
    return { handle: native.fromBytes(part, [length], UINT8), crc32: native.archiveCrc32(part) };
  };
  return {
    size: bytes.byteLength,
    read: range,
    storage,
    storageAsync: async (offset, length) => storage(offset, length),
    close: () => undefined,
  };
}

/** What is read: the path of a file, or its bytes. */
export type SourceInput = string | Uint8Array;

/** Opens a source, reads from it and closes it again. Errors name the source. */
export function readFrom<T>(input: SourceInput, mmap: boolean, steps: (source: Source) => Steps<T>): T {
  return about(nameOf(input), () => {
    const source = open(input, mmap);
    try {
      return runSync(steps(source));
    } finally {
      source.close();
    }
  });
}

/** {@link readFrom} with the slow parts on another thread. */
export async function readFromAsync<T>(
  input: SourceInput,
  mmap: boolean,
  steps: (source: Source) => Steps<T>,
): Promise<T> {
  return aboutAsync(nameOf(input), async () => {
    const source = open(input, mmap);
    try {
      return await runAsync(steps(source));
    } finally {
      source.close();
    }
  });
}

function nameOf(input: SourceInput): string {
  return typeof input === "string" ? input : "the given bytes";
}

function open(input: SourceInput, mmap: boolean): Source {
  if (types.isUint8Array(input)) return openBytes(input);
  checkPath(input);
  return openFile(input, mmap);
}
