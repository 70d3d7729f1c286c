/** What a file unpacks to is bounded by memory, since a small file can claim, and be, any size. */
import { constants } from "node:buffer";
import { gunzipSync } from "node:zlib";
import type { FileFormatError } from "./errors";

/** Bytes that one file may unpack to: half of the memory that is free now. */
export function unpackLimit(): number {
  return Math.min(constants.MAX_LENGTH, Math.floor(process.availableMemory() / 2));
}

/** Refuses an array that would not fit, before memory is taken for it. */
export function requireMemory(
  shape: readonly number[],
  bytesPerValue: number,
  fail: (problem: string) => FileFormatError,
  limit = unpackLimit(),
): void {
  const bytes = shape.reduce((product, size) => product * size, bytesPerValue);
  if (!(bytes <= limit))
    throw fail(`${show(bytes)} (${shape.join(" x ")} values), more than the ${show(limit)} that memory has for it`);
}

/**
 * The content of a file of gzip.
 *
 * @throws what `fail` makes of the problem, for damaged files and for those that memory has no room for
 */
export function gunzip(
  packed: Uint8Array,
  fail: (problem: string, cause?: unknown) => FileFormatError,
  limit = unpackLimit(),
): Uint8Array {
  const tooLarge = (size: string) =>
    fail(`expected a file of gzip that unpacks to at most ${show(limit)}, got ${size}: unpack it with gunzip first`);
  // the size stands at the end, modulo 2^32
  const size = packed.length < 4 ? 0 : Buffer.from(packed.buffer, packed.byteOffset).readUInt32LE(packed.length - 4);
  if (size > limit) throw tooLarge(show(size));
  try {
    return gunzipSync(packed, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge("more");
    throw fail(`expected a file of gzip, got a damaged one: ${(error as Error).message}`, error);
  }
}

function show(bytes: number): string {
  return bytes < 2 ** 20 ? `${bytes} bytes` : `${Math.round(bytes / 2 ** 20)} MiB`;
}
