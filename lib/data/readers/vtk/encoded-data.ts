/**
 * The bytes of a data array in a VTK XML file, however they are packed: raw or base64, plain or in compressed blocks
 * (VTK file formats, "XML file formats").
 */
import { inflateSync } from "node:zlib";
import type { ByteSource } from "../byte-source";
import { isSpace } from "../text";
import { LZ4_MAX_RATIO, decompressLz4 } from "../lz4";

/** A deflated block of n bytes holds at most 1032 n (zlib's technical details). */
const ZLIB_MAX_RATIO = 1032;
const BATCH = 2 ** 22;
const PADDING = "=".charCodeAt(0);

export type Compressor = "zlib" | "lz4";

/** How a file packs its arrays, from the attributes of its root. */
export interface Packing {
  readonly littleEndian: boolean;
  /** Bytes of the integers before each array. */
  readonly wordSize: 4 | 8;
  readonly compressor?: Compressor;
}

/** Bytes as a stream that can be read from any place. */
interface Stream {
  /** Bytes of the file that are left for it. */
  readonly available: number;
  read(offset: number, target: Uint8Array): void;
  /** The stream after so many bytes. Some writers encode a header with what follows, some by itself: base64 shows which. */
  skip(bytes: number): Stream;
  /** The stream after so many bytes that are encoded by themselves: base64 pads them. */
  afterPadding(bytes: number): Stream;
}

/**
 * The bytes of an array.
 *
 * @param start where they begin: the header with the sizes.
 * @param makeTarget gets the size in bytes that the header tells, after a check that the file can hold so much, and gives
 * the memory for them.
 */
export function readEncoded(
  source: ByteSource,
  packing: Packing,
  encoding: "raw" | "base64",
  start: number,
  end: number,
  makeTarget: (bytes: number) => Uint8Array,
): void {
  const stream = encoding === "raw" ? rawStream(source, start, end) : base64Stream(source, start, end);
  const fail = (problem: string) => source.error(problem, start);
  if (packing.compressor === undefined) {
    const [size] = readWords(stream, packing, 0, 1, fail) as [number];
    const data = stream.skip(packing.wordSize);
    if (size > data.available)
      throw fail(`expected ${size} bytes of data, as the header before them says, got ${data.available} at most`);
    data.read(0, makeTarget(size));
    return;
  }
  const [blocks, blockSize, lastSize] = readWords(stream, packing, 0, 3, fail) as [number, number, number];
  if (blocks === 0) return void makeTarget(0);
  if ((3 + blocks) * packing.wordSize > stream.available)
    throw fail(`expected the sizes of ${blocks} compressed blocks, got ${stream.available} bytes`);
  const header = (3 + blocks) * packing.wordSize;
  const sizes = readWords(stream, packing, 3, blocks, fail);
  const data = stream.afterPadding(header);
  const compressed = sizes.reduce((sum, size) => sum + size, 0);
  const total = blockSize * (lastSize === 0 ? blocks : blocks - 1) + lastSize;
  if (compressed > data.available)
    throw fail(`expected ${compressed} bytes of compressed blocks, got ${data.available} at most`);
  const ratio = packing.compressor === "zlib" ? ZLIB_MAX_RATIO : LZ4_MAX_RATIO;
  if (total > compressed * ratio + 64 || lastSize > blockSize)
    throw fail(`expected blocks that decompress to ${total} bytes, got ${compressed} bytes, which cannot hold them`);
  inflateBlocks(data, packing.compressor, sizes, blockSize, makeTarget(total), fail);
}

/** Decompresses block after block, reading some megabytes at a time. */
function inflateBlocks(
  data: Stream,
  compressor: Compressor,
  sizes: readonly number[],
  blockSize: number,
  target: Uint8Array,
  fail: (problem: string) => Error,
): void {
  let position = 0;
  for (let block = 0; block < sizes.length;) {
    let count = 0;
    let length = 0;
    do length += sizes[block + count++]!;
    while (block + count < sizes.length && length + sizes[block + count]! <= BATCH);
    const batch = new Uint8Array(length);
    data.read(position, batch);
    position += length;
    let at = 0;
    for (let i = block; i < block + count; i++) {
      const part = target.subarray(i * blockSize, (i + 1) * blockSize);
      const packed = batch.subarray(at, at + sizes[i]!);
      if (!inflate(compressor, packed, part))
        throw fail(`expected ${part.length} bytes in the ${compressor} block ${i}, got a damaged block`);
      at += sizes[i]!;
    }
    block += count;
  }
}

function inflate(compressor: Compressor, packed: Uint8Array, target: Uint8Array): boolean {
  if (compressor === "lz4") return decompressLz4(packed, target);
  try {
    const bytes = inflateSync(packed, {
      maxOutputLength: Math.max(target.length, 1),
      chunkSize: Math.max(target.length, 64),
    });
    if (bytes.length !== target.length) return false;
    target.set(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Integers of the header, as numbers. */
function readWords(
  stream: Stream,
  { wordSize, littleEndian }: Packing,
  first: number,
  count: number,
  fail: (problem: string) => Error,
): number[] {
  const bytes = Buffer.alloc(count * wordSize);
  if (stream.available < (first + count) * wordSize)
    throw fail(`expected ${(first + count) * wordSize} bytes of header before the data, got ${stream.available}`);
  stream.read(first * wordSize, bytes);
  return Array.from({ length: count }, (_, i) => {
    if (wordSize === 4) return littleEndian ? bytes.readUInt32LE(4 * i) : bytes.readUInt32BE(4 * i);
    const value = Number(littleEndian ? bytes.readBigUInt64LE(8 * i) : bytes.readBigUInt64BE(8 * i));
    if (!Number.isSafeInteger(value)) throw fail(`expected a size in the header before the data, got ${value}`);
    return value;
  });
}

function rawStream(source: ByteSource, start: number, end: number): Stream {
  const skip = (bytes: number) => rawStream(source, start + bytes, end);
  return {
    available: Math.max(0, end - start),
    read: (offset, target) => source.read(target, start + offset),
    skip,
    afterPadding: skip,
  };
}

/**
 * Base64 text without white space inside; before it there may be some.
 *
 * @param lead bytes that are skipped after decoding.
 */
function base64Stream(source: ByteSource, start: number, end: number, lead = 0): Stream {
  let first = start;
  while (first < end && isSpace(source.bytes(first, 1)[0]!)) first++;
  const afterPadding = (bytes: number) => base64Stream(source, first + 4 * Math.ceil(bytes / 3), end);
  return {
    available: Math.max(0, 3 * Math.floor((end - first) / 4) - lead),
    read(offset, target) {
      for (let done = 0; done < target.length;) {
        const begin = lead + offset + done;
        const length = Math.min(target.length - done, BATCH);
        const position = first + 4 * Math.floor(begin / 3);
        const chars = 4 * Math.ceil(((begin % 3) + length) / 3);
        if (position + chars > end) throw source.error(`expected ${chars} characters of base64, got the end`, position);
        const bytes = decodeBase64(source.bytes(position, chars));
        if (bytes.length < (begin % 3) + length)
          throw source.error("expected base64, got other characters or too few of them", position);
        target.set(bytes.subarray(begin % 3, (begin % 3) + length), done);
        done += length;
      }
    },
    skip(bytes) {
      const last = first + 4 * Math.ceil(bytes / 3) - 1;
      const isPadded = bytes % 3 !== 0 && last < end && source.bytes(last, 1)[0] === PADDING;
      return isPadded ? afterPadding(bytes) : base64Stream(source, first, end, lead + bytes);
    },
    afterPadding,
  };
}

function decodeBase64(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"), "base64");
}
