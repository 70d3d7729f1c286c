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
/** Small enough for the cache of a core. */
const PIECE = 2 ** 18;
const PADDING = "=".charCodeAt(0);

export type Compressor = "zlib" | "lz4";

/** How a file packs its arrays, from the attributes of its root. */
export interface Packing {
  readonly littleEndian: boolean;
  /** Bytes of the integers before each array. */
  readonly wordSize: 4 | 8;
  readonly compressor?: Compressor;
}

/**
 * Where the bytes of an array go. They come in pieces, each of a multiple of eight bytes but the last: `window` gives the
 * memory for a piece, `commit` takes it when it is filled.
 */
export interface Target {
  window(offset: number, length: number): Uint8Array;
  commit(piece: Uint8Array, offset: number): void;
}

/** A target in memory. */
export function memoryTarget(bytes: Uint8Array): Target {
  return { window: (offset, length) => bytes.subarray(offset, offset + length), commit: () => undefined };
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
 * the target for them.
 */
export function readEncoded(
  source: ByteSource,
  packing: Packing,
  encoding: "raw" | "base64",
  start: number,
  end: number,
  makeTarget: (bytes: number) => Target,
): void {
  const stream = encoding === "raw" ? rawStream(source, start, end) : base64Stream(source, start, end);
  const fail = (problem: string) => source.error(problem, start);
  if (packing.compressor === undefined) {
    const [size] = readWords(stream, packing, 0, 1, fail) as [number];
    const data = stream.skip(packing.wordSize);
    if (size > data.available)
      throw fail(`expected ${size} bytes of data, as the header before them says, got ${data.available} at most`);
    const target = makeTarget(size);
    for (let offset = 0; offset < size; offset += PIECE) {
      const piece = target.window(offset, Math.min(PIECE, size - offset));
      data.read(offset, piece);
      target.commit(piece, offset);
    }
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
  if (blockSize % 8 !== 0 && blocks > 1)
    throw fail(`expected blocks of a multiple of 8 bytes, as VTK writes them, got ${blockSize} bytes`);
  inflateBlocks(data, packing.compressor, sizes, { size: blockSize, total }, makeTarget(total), fail);
}

/** Decompresses block after block, reading some megabytes at a time. */
function inflateBlocks(
  data: Stream,
  compressor: Compressor,
  sizes: readonly number[],
  block: { readonly size: number; readonly total: number },
  target: Target,
  fail: (problem: string) => Error,
): void {
  let position = 0;
  for (let first = 0; first < sizes.length;) {
    let count = 0;
    let length = 0;
    do length += sizes[first + count++]!;
    while (first + count < sizes.length && length + sizes[first + count]! <= PIECE);
    const batch = new Uint8Array(length);
    data.read(position, batch);
    position += length;
    let at = 0;
    for (let i = first; i < first + count; i++) {
      const offset = i * block.size;
      const piece = target.window(offset, Math.min(block.size, block.total - offset));
      const packed = batch.subarray(at, at + sizes[i]!);
      if (!inflate(compressor, packed, piece))
        throw fail(`expected ${piece.length} bytes in the ${compressor} block ${i}, got a damaged block`);
      target.commit(piece, offset);
      at += sizes[i]!;
    }
    first += count;
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
        const length = Math.min(target.length - done, PIECE);
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
