/**
 * Reads the directory of a zip archive (APPNOTE.TXT 4.3, with zip64): stored entries, which `torch.save` writes, and
 * deflated ones of other tools. Only the central directory is believed; sizes in local headers may be left out by
 * streaming writers.
 */
import { damaged, printable, CheckpointError } from "../errors";
import type { Source } from "../source";

/** One file of the archive. */
export interface ZipEntry {
  readonly name: string;
  /** Of the unpacked bytes. */
  readonly crc32: number;
  /** Bytes in the archive. */
  readonly packedLength: number;
  /** Bytes that they unpack to; the same for a stored entry. */
  readonly byteLength: number;
  /** Position of the local header. */
  readonly header: number;
  readonly packing: "stored" | "deflated" | "encrypted" | { readonly method: number };
}

const END = 0x06054b50;
const END_LENGTH = 22;
const MAX_COMMENT = 0xffff;
const END64 = 0x06064b50;
const END64_LENGTH = 56;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_LENGTH = 20;
const CENTRAL = 0x02014b50;
const CENTRAL_LENGTH = 46;
const LOCAL = 0x04034b50;
const LOCAL_LENGTH = 30;
const ZIP64_EXTRA = 0x0001;
const MAX_NAME = 4096;
/** More than a million entries. */
const MAX_DIRECTORY = 2 ** 28;
/** Packings that other tools use. */
const METHODS: Readonly<Record<number, string>> = { 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz" };

/** True if the first bytes are those of a zip archive. */
export function looksLikeZip(start: Uint8Array): boolean {
  return start.length >= 4 && view(start).getUint32(0, true) === LOCAL;
}

/**
 * All entries in the order of the directory.
 *
 * @throws CheckpointError when the archive is cut or contradicts itself.
 */
export function readZipDirectory(source: Source): ZipEntry[] {
  const { offset, length, count } = findDirectory(source);
  const data = view(source.read(offset, length));
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let position = 0;
  for (let i = 0; i < count; i++) {
    if (length - position < CENTRAL_LENGTH || data.getUint32(position, true) !== CENTRAL)
      throw damaged("a zip directory with a broken entry");
    const nameLength = data.getUint16(position + 28, true);
    const extraLength = data.getUint16(position + 30, true);
    const next = position + CENTRAL_LENGTH + nameLength + extraLength + data.getUint16(position + 32, true);
    if (next > length) throw damaged("a zip directory that ends within an entry");
    const entry = readEntry(data, position, nameLength, extraLength);
    if (names.has(entry.name)) throw damaged(`a zip archive with two entries ${printable(entry.name)}`);
    names.add(entry.name);
    entries.push(entry);
    position = next;
  }
  checkRanges(entries, offset);
  return entries;
}

/**
 * Position of an entry's data: the local header has a name and padding of its own length.
 *
 * @throws CheckpointError when the entry is neither stored nor deflated.
 */
export function dataOffset(source: Source, entry: ZipEntry): number {
  const { packing } = entry;
  if (packing !== "stored" && packing !== "deflated") {
    const found =
      packing === "encrypted" ? packing : `compressed with ${METHODS[packing.method] ?? `method ${packing.method}`}`;
    throw new CheckpointError(
      `expected stored or deflated zip entries, got ${printable(entry.name)} ${found}; pack the archive again with "zip -0"`,
    );
  }
  const header = view(source.read(entry.header, LOCAL_LENGTH));
  if (header.getUint32(0, true) !== LOCAL) throw damaged(`no zip entry where ${printable(entry.name)} is due`);
  const offset = entry.header + LOCAL_LENGTH + header.getUint16(26, true) + header.getUint16(28, true);
  if (offset + entry.packedLength > source.size)
    throw damaged(`a zip entry ${printable(entry.name)} that goes past the end of the file`);
  return offset;
}

function findDirectory(source: Source): { offset: number; length: number; count: number } {
  const tailLength = Math.min(source.size, END_LENGTH + MAX_COMMENT);
  const tailOffset = source.size - tailLength;
  const tail = view(source.read(tailOffset, tailLength));
  const lastEnd = (fits: (end: number) => boolean): number => {
    let end = tailLength - END_LENGTH;
    while (end >= 0 && !(tail.getUint32(end, true) === END && fits(end))) end--;
    return end;
  };
  const endOf = (end: number): number => end + END_LENGTH + tail.getUint16(end + 20, true);
  let end = lastEnd((at) => endOf(at) === tailLength);
  if (end < 0) {
    // something was appended to the archive; what stands in front of its end tells that it is one
    const directoryEnd = (at: number): number => tail.getUint32(at + 12, true) + tail.getUint32(at + 16, true);
    const follows = (at: number): boolean =>
      directoryEnd(at) === tailOffset + at ||
      (at >= LOCATOR64_LENGTH && tail.getUint32(at - LOCATOR64_LENGTH, true) === LOCATOR64);
    end = lastEnd((at) => endOf(at) <= tailLength && follows(at));
  }
  if (end < 0) throw damaged("a zip archive without its directory: the end of the file is missing");

  const endOffset = tailOffset + end;
  const directory = directory64(source, endOffset) ?? {
    offset: tail.getUint32(end + 16, true),
    length: tail.getUint32(end + 12, true),
    count: tail.getUint16(end + 10, true),
  };
  const { offset, length, count } = directory;
  if (offset + length > endOffset || count * CENTRAL_LENGTH > length || length > MAX_DIRECTORY)
    throw damaged("a zip archive whose directory does not fit into the file");
  return directory;
}

function directory64(source: Source, endOffset: number): { offset: number; length: number; count: number } | null {
  if (endOffset < LOCATOR64_LENGTH) return null;
  const locator = view(source.read(endOffset - LOCATOR64_LENGTH, LOCATOR64_LENGTH));
  if (locator.getUint32(0, true) !== LOCATOR64) return null;
  const at = uint64(locator, 8);
  if (at > endOffset - LOCATOR64_LENGTH - END64_LENGTH)
    throw damaged("a zip64 directory that does not fit into the file");
  const end = view(source.read(at, END64_LENGTH));
  if (end.getUint32(0, true) !== END64) throw damaged("no zip64 directory where one is due");
  return { offset: uint64(end, 48), length: uint64(end, 40), count: uint64(end, 32) };
}

function readEntry(data: DataView, at: number, nameLength: number, extraLength: number): ZipEntry {
  if (nameLength > MAX_NAME) throw damaged(`a zip entry with a name of ${nameLength} bytes`);
  const nameAt = at + CENTRAL_LENGTH;
  const name = Buffer.from(data.buffer, data.byteOffset + nameAt, nameLength).toString("utf8");
  const flags = data.getUint16(at + 8, true);
  const method = data.getUint16(at + 10, true);
  const packing =
    (flags & 1) !== 0 ? "encrypted" : method === 0 ? "stored" : method === 8 ? "deflated" : ({ method } as const);

  const fields = [data.getUint32(at + 24, true), data.getUint32(at + 20, true), data.getUint32(at + 42, true)];
  const [byteLength = 0, packedLength = 0, header = 0] = withZip64(fields, data, nameAt + nameLength, extraLength);
  if (packing === "stored" && byteLength !== packedLength)
    throw damaged(`a stored zip entry ${printable(name)} with two sizes`);
  return { name, crc32: data.getUint32(at + 16, true), packedLength, byteLength, header, packing };
}

/** Fields of all ones (size, compressed size, header offset) stand in the zip64 extra field, in this order. */
function withZip64(fields: readonly number[], data: DataView, at: number, length: number): number[] {
  if (!fields.includes(0xffffffff)) return [...fields];
  const end = at + length;
  while (end - at >= 4) {
    const size = data.getUint16(at + 2, true);
    if (data.getUint16(at, true) === ZIP64_EXTRA) {
      let next = at + 4;
      return fields.map((field) => {
        if (field !== 0xffffffff) return field;
        if (next + 8 > Math.min(end, at + 4 + size)) throw damaged("a zip64 entry without its sizes");
        next += 8;
        return uint64(data, next - 8);
      });
    }
    at += 4 + size;
  }
  throw damaged("a zip64 entry without its sizes");
}

/** No two entries share bytes, so all of them together are no larger than the file. */
function checkRanges(entries: readonly ZipEntry[], end: number): void {
  const sorted = [...entries].sort((a, b) => a.header - b.header);
  for (const [i, entry] of sorted.entries()) {
    const limit = sorted[i + 1]?.header ?? end;
    if (entry.header + LOCAL_LENGTH + entry.packedLength > limit) {
      throw damaged(
        `a zip archive whose entry ${printable(entry.name)} reaches into the next one or past the end of the file`,
      );
    }
  }
}

function uint64(data: DataView, at: number): number {
  return Number(data.getBigUint64(at, true));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
