/** ZIP archives (PKWARE's APPNOTE 6.3, with zip64): entries that are stored or deflated. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import { temporaryPath } from "../../io/files/temporary";
import type { ByteSource } from "./byte-source";
import { show } from "./scanner";

const [END, ENTRY, LOCAL] = [0x06054b50, 0x02014b50, 0x04034b50];
/** Deflate makes at most so many bytes of one. */
const MAX_RATIO = 1032;
const CHUNK = 2 ** 20;

/** A file in an archive. */
export interface ZipEntry {
  /** Path, with `/`; that of a folder ends with one. */
  readonly name: string;
  /** 0: stored, 8: deflated. */
  readonly method: number;
  /** Bytes in the archive, and of the file. */
  readonly packed: number;
  readonly size: number;
  readonly crc: number;
  /** Where the entry begins. */
  readonly offset: number;
}

/** @throws FileFormatError for what is no archive, or a damaged one */
export function zipEntries(source: ByteSource): ZipEntry[] {
  const tailStart = Math.max(0, source.size - 65_557);
  const tail = Buffer.from(source.bytes(tailStart, source.size - tailStart));
  let end = tail.length - 22;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end--;
  if (end < 0) throw source.error("expected the directory of a zip archive at the end, got none", tailStart);
  let [count, length, start] = [tail.readUInt16LE(end + 10), tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (start === 0xffffffff || count === 0xffff) {
    // zip64: its own end of the directory, named by a locator before this one
    if (end < 20) throw source.error("expected the directory of a zip64 archive, got none", tailStart);
    const place = Number(tail.readBigUInt64LE(end - 20 + 8));
    const record = Buffer.from(source.bytes(place, 56, "directory of a zip64 archive"));
    [count, length, start] = [32, 40, 48].map((at) => Number(record.readBigUInt64LE(at))) as [number, number, number];
  }
  const directory = Buffer.from(source.bytes(start, length, "directory of a zip archive"));
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count;) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== ENTRY)
      throw source.error(
        `expected ${count} entries in the directory of a zip archive, got ${entries.length}`,
        start + at,
      );
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => directory.readUInt16LE(at + o)) as [
      number,
      number,
      number,
    ];
    const extraStart = at + 46 + nameLength;
    const next = extraStart + extraLength + commentLength;
    if (next > directory.length)
      throw source.error("expected the name of a zip entry, got the end of the directory", start + at);
    const sizes = [directory.readUInt32LE(at + 24), directory.readUInt32LE(at + 20), directory.readUInt32LE(at + 42)];
    const [size, packed, offset] = withZip64(sizes, directory.subarray(extraStart, extraStart + extraLength)) as [
      number,
      number,
      number,
    ];
    const name = directory.toString("utf8", at + 46, extraStart);
    const [method, crc] = [directory.readUInt16LE(at + 10), directory.readUInt32LE(at + 16)];
    entries.push({ name, method, packed, size, crc, offset });
    at = next;
  }
  return entries;
}

/** Sizes that do not fit into 32 bits stand in the extra field, in this order. */
function withZip64(sizes: readonly number[], extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let from = at + 4;
    return sizes.map((size) => {
      if (size !== 0xffffffff || from + 8 > extra.length) return size;
      from += 8;
      return Number(extra.readBigUInt64LE(from - 8));
    });
  }
  return [...sizes];
}

/** A small file of an archive, in memory. @throws FileFormatError where it is damaged, or compressed in another way */
export function zipContent(entry: ZipEntry, source: ByteSource): Uint8Array {
  const { name, method, packed, size } = entry;
  const start = startOf(entry, source);
  const bytes = source.bytes(start, packed, show(name));
  let content = bytes;
  if (method === 8) {
    try {
      content = inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) });
    } catch (error) {
      throw damaged(entry, source, error);
    }
  }
  checkContent(entry, source, content.length, crc32(content));
  return content;
}

/**
 * Writes a file of an archive to a path, in bounded memory. It appears when it is complete.
 *
 * @throws FileFormatError where it is damaged, or compressed in another way
 */
export async function extractZipEntry(entry: ZipEntry, source: ByteSource, path: string): Promise<void> {
  const start = startOf(entry, source);
  let [length, sum] = [0, 0];
  const check = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      length += chunk.length;
      if (length > entry.size) throw new Error(`more than ${entry.size} bytes`);
      sum = crc32(chunk, sum);
      yield chunk;
    }
    checkContent(entry, source, length, sum);
  };
  const temporary = temporaryPath(path);
  try {
    const target = createWriteStream(temporary, { flags: "wx" });
    const packed = chunksOf(source, start, entry.packed, show(entry.name));
    if (entry.method === 8) await pipeline(packed, createInflateRaw({ chunkSize: CHUNK }), check, target);
    else await pipeline(packed, check, target);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("Z_") || (error as Error).message.startsWith("more than")) throw damaged(entry, source, error);
    throw error;
  }
}

async function* chunksOf(source: ByteSource, start: number, length: number, what: string): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; done += CHUNK)
    yield source.bytes(start + done, Math.min(CHUNK, length - done), what);
}

/** Where the bytes of an entry begin. */
function startOf({ name, method, packed, size, offset }: ZipEntry, source: ByteSource): number {
  const local = Buffer.from(source.bytes(offset, 30, `header of ${show(name)}`));
  if (local.readUInt32LE(0) !== LOCAL)
    throw source.error(`expected the header of ${show(name)}, got something else`, offset);
  if (local.readUInt16LE(6) & 1) throw source.error(`expected ${show(name)} without a password, got it encrypted`);
  if (method !== 0 && method !== 8)
    throw source.error(`expected ${show(name)} stored or deflated, got the method ${method}`, offset);
  if (size > (method === 8 ? MAX_RATIO * packed + 64 : packed))
    throw source.error(`expected ${size} bytes in ${show(name)}, got ${packed} compressed ones`, offset);
  return offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
}

function checkContent({ name, size, crc, offset }: ZipEntry, source: ByteSource, length: number, sum: number): void {
  if (length !== size) throw source.error(`expected ${size} bytes in ${show(name)}, got ${length}`, offset);
  if (sum !== crc) throw source.error(`expected other bytes in ${show(name)}: its checksum is not right`, offset);
}

function damaged({ name, offset }: ZipEntry, source: ByteSource, error: unknown): Error {
  return source.error(`expected ${show(name)} deflated, got damaged bytes: ${(error as Error).message}`, offset, error);
}
