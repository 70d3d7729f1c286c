/** What the formats have in common: a value whose tensors are still to be filled, and where their bytes lie in the file. */
import { constants } from "node:buffer";
import { promisify } from "node:util";
import { inflateRaw, inflateRawSync } from "node:zlib";
import { native } from "../addon";
import { CheckpointError, damaged, printable } from "./errors";
import type { StorageNode } from "./pickle/nodes";
import { UINT8, type LoadedStorage, type Source } from "./source";
import { perform, type Steps } from "./steps";

/** A record of the file. */
export interface Place {
  readonly name: string;
  readonly offset: number;
  /** Bytes in the file. */
  readonly packedLength: number;
  /** Bytes that they unpack to; the same where they are not packed. */
  readonly byteLength: number;
  readonly isDeflated: boolean;
  /** CRC-32 of the unpacked bytes; null in formats without. */
  readonly crc32: number | null;
}

/** A checkpoint file that has been read, but for the tensors' data. */
export interface Contents {
  readonly root: unknown;
  /** The records of the storages that lie in the file. */
  readonly places: ReadonlyMap<StorageNode, Place>;
  /** Storages that are parts of others. */
  readonly parts: readonly StorageNode[];
  /** Bytes of one number in a storage whose numbers are to be reversed (big-endian files); 1 leaves them alone. */
  readonly swapSize: (storage: StorageNode) => number;
}

/** Limits that a caller may change. */
export interface Limits {
  /** Compare the checksums of what is read. */
  readonly verify: boolean;
  /** Bytes of memory that everything beside the tensors may take. */
  readonly memoryLimit: number;
  /** Bytes that all deflated records may unpack to. */
  readonly unpackedLimit: number;
}

/** Bytes that lie in the file as they are, without a checksum. */
export function rawPlace(name: string, offset: number, byteLength: number): Place {
  return { name, offset, packedLength: byteLength, byteLength, isDeflated: false, crc32: null };
}

/** A little-endian int64 of the file. */
export function readInt64(source: Source, offset: number): bigint {
  if (offset + 8 > source.size) throw damaged("a file that ends within a number");
  const bytes = source.read(offset, 8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0, true);
}

/** A small record: the pickle. */
export function readRecord(source: Source, place: Place, { verify, memoryLimit }: Limits): Uint8Array {
  if (place.byteLength > memoryLimit)
    throw new CheckpointError(
      `expected a record ${printable(place.name)} of at most ${memoryLimit} bytes, got ${place.byteLength}`,
    );
  const packed = source.read(place.offset, place.packedLength);
  const bytes = place.isDeflated ? unpacked(place, () => inflateRawSync(packed, outputLimit(place))) : packed;
  if (verify) checkSum(place, native.archiveCrc32(bytes));
  return bytes;
}

/** A record as a storage: the handle of a 1-D uint8 tensor, whose owner the caller is. */
export function* readStorage(source: Source, place: Place, { verify }: Limits): Steps<number> {
  const { offset, byteLength } = place;
  const loaded = place.isDeflated
    ? yield* inflateStorage(source, place)
    : yield* perform<LoadedStorage>({
        now: () => source.storage(offset, byteLength),
        later: () => source.storageAsync(offset, byteLength),
      });
  try {
    if (verify && loaded.crc32 !== null) checkSum(place, loaded.crc32);
  } catch (error) {
    native.free(loaded.handle);
    throw error;
  }
  return loaded.handle;
}

function* inflateStorage(source: Source, place: Place): Steps<LoadedStorage> {
  const packed = source.read(place.offset, place.packedLength);
  const inflate = promisify<Uint8Array, object, Buffer>(inflateRaw);
  const bytes = yield* perform<Uint8Array>({
    now: () => unpacked(place, () => inflateRawSync(packed, outputLimit(place))),
    later: async () => {
      const result = await inflate(packed, outputLimit(place)).catch((error: unknown) => error);
      return unpacked(place, () => {
        if (result instanceof Uint8Array) return result;
        throw result;
      });
    },
  });
  return { handle: native.fromBytes(bytes, [bytes.byteLength], UINT8), crc32: native.archiveCrc32(bytes) };
}

/** zlib takes no limit of 0. */
function outputLimit({ byteLength }: Place): { maxOutputLength: number } {
  return { maxOutputLength: Math.max(byteLength, 1) };
}

function unpacked({ name, byteLength }: Place, inflate: () => Uint8Array): Uint8Array {
  if (byteLength > constants.MAX_LENGTH)
    throw new CheckpointError(
      `expected deflated records of at most ${constants.MAX_LENGTH} bytes, got ${printable(name)} of ${byteLength}; pack the archive again with "zip -0"`,
    );
  let bytes: Uint8Array;
  try {
    bytes = inflate();
  } catch (cause) {
    const code = (cause as { code?: string }).code ?? "";
    if (!code.startsWith("Z_") && code !== "ERR_BUFFER_TOO_LARGE") throw cause;
    throw new CheckpointError(
      `expected an intact file, got a record ${printable(name)} that does not unpack to its ${byteLength} bytes`,
      { cause },
    );
  }
  if (bytes.byteLength !== byteLength)
    throw damaged(`a record ${printable(name)} that unpacks to ${bytes.byteLength} bytes where ${byteLength} are due`);
  return bytes;
}

function checkSum({ name, crc32 }: Place, actual: number): void {
  if (crc32 === null || actual === crc32) return;
  throw damaged(
    `a record ${printable(name)} whose checksum differs: the file is damaged (or was written without checksums; then pass { verify: false })`,
  );
}

/** A small file can unpack to a thousand times its size. */
export function checkUnpacked(places: readonly Place[], { unpackedLimit }: Limits): void {
  const total = places.reduce((sum, { isDeflated, byteLength }) => sum + (isDeflated ? byteLength : 0), 0);
  if (total <= unpackedLimit) return;
  throw new CheckpointError(
    `expected deflated records that unpack to at most ${unpackedLimit} bytes, got ${total}; raise the limit with the option "unpackedLimit" if you trust the file`,
  );
}
