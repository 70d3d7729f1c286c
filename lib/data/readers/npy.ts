/** NumPy's arrays: `.npy` (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html) and `.npz`, a zip of them. */
import { inflateRawSync } from "node:zlib";
import { ValueError } from "../../config/python-errors";
import {
  bytesOf,
  createArray,
  bytesPerElement,
  fromFileOrder,
  numericType,
  swapBytes,
  HOST_IS_LITTLE_ENDIAN,
} from "./arrays";
import type { NdArray, NumericType } from "./arrays";
import { bytesSource, type ByteSource } from "./byte-source";
import type { FileSink } from "./file-sink";
import { show } from "./scanner";

const MAGIC = "\x93NUMPY";
const MAX_HEADER = 2 ** 20;
const MAX_DIMS = 64;

const TYPES: ReadonlyMap<string, NumericType> = new Map([
  ["b1", "uint8"],
  ["i1", "int8"],
  ["u1", "uint8"],
  ["i2", "int16"],
  ["u2", "uint16"],
  ["i4", "int32"],
  ["u4", "uint32"],
  ["i8", "int64"],
  ["u8", "uint64"],
  ["f2", "float32"],
  ["f4", "float32"],
  ["f8", "float64"],
]);

/**
 * Reads an array. Booleans become bytes of 0 and 1, float16 becomes float32, arrays in Fortran's order are turned.
 *
 * @throws FileFormatError for damaged files, and for objects, records, texts and complex numbers.
 */
export function readNpy(source: ByteSource): NdArray {
  if (source.size < 10 || Buffer.from(source.bytes(0, 6)).toString("latin1") !== MAGIC)
    throw source.error("expected \\x93NUMPY at the beginning, got something else", 0);
  const head = Buffer.from(source.bytes(0, Math.min(12, source.size)));
  const isLong = head[6]! >= 2;
  const [start, length] = isLong
    ? [12, head.length < 12 ? Infinity : head.readUInt32LE(8)]
    : [10, head.readUInt16LE(8)];
  if (length > MAX_HEADER) throw source.error(`expected a header of at most ${MAX_HEADER} bytes, got ${length}`, 8);
  const header = Buffer.from(source.bytes(start, length, "header")).toString(head[6]! >= 3 ? "utf8" : "latin1");
  const { littleEndian, kind, fortran, shape } = parseHeader(header, (problem) => source.error(problem, start));
  const type = TYPES.get(kind)!;
  const count = shape.reduce((product, size) => product * size, 1);
  const fileSize = kind === "f2" ? 2 : bytesPerElement(type);
  const data = start + length;
  if (source.size - data !== count * fileSize)
    throw source.error(
      `expected ${count * fileSize} bytes for the shape (${shape.join(", ")}), got ${source.size - data}`,
      data,
    );
  const stored = createArray(kind === "f2" ? "uint16" : type, count);
  source.read(bytesOf(stored), data);
  fromFileOrder(stored, littleEndian);
  const values = kind === "f2" ? Float32Array.from(stored as Uint16Array, fromFloat16) : stored;
  return { values: fortran && shape.length > 1 ? turned(values as Float64Array, shape) : values, shape };
}

/** `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }` */
function parseHeader(header: string, fail: (problem: string) => Error) {
  const descr = /['"]descr['"]\s*:\s*['"]([^'"]*)['"]/.exec(header)?.[1];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(header)?.[1];
  const dims = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (order === undefined || dims === undefined)
    throw fail(`expected a header with descr, fortran_order and shape, got ${show(header.trim())}`);
  const [, byteOrder, kind] = /^([<>|=])([a-z]\d)$/.exec(descr ?? "") ?? [];
  if (kind === undefined || !TYPES.has(kind))
    throw fail(
      `expected an array of numbers (${[...TYPES.keys()].join(", ")}), got ${descr === undefined ? "records" : show(descr)}`,
    );
  const shape = dims
    .split(",")
    .map((text) => text.trim().replace(/L$/, ""))
    .filter((text) => text !== "")
    .map(Number);
  if (shape.length > MAX_DIMS || !shape.every(Number.isSafeInteger)) throw fail(`expected a shape, got (${dims})`);
  return { littleEndian: byteOrder !== ">", kind, fortran: order === "True", shape };
}

/** From first dimension fastest to last dimension fastest. */
function turned<Values extends Float64Array>(values: Values, shape: readonly number[]): Values {
  const result = createArray(numericType(values), values.length) as Values;
  const index = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, d) => shape.slice(0, d).reduce((product, size) => product * size, 1));
  for (let at = 0; at < values.length; at++) {
    let from = 0;
    for (let d = 0; d < shape.length; d++) from += index[d]! * strides[d]!;
    result[at] = values[from]!;
    for (let d = shape.length - 1; d >= 0 && ++index[d]! === shape[d]; d--) index[d] = 0;
  }
  return result;
}

/** IEEE 754 binary16. */
function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Writes an array, little-endian. */
export function writeNpy(array: NdArray, sink: FileSink): void {
  for (const bytes of npyBytes(array)) sink.write(bytes);
}

/** The header and the data of a `.npy` file, little-endian. */
export function npyBytes({ values, shape }: NdArray): [header: Uint8Array, data: Uint8Array] {
  const type = numericType(values);
  const kind = [...TYPES].findLast(([key, other]) => other === type && key !== "b1" && key !== "f2")![0];
  if (shape.reduce((product, size) => product * size, 1) !== values.length)
    throw new ValueError(`expected as many values as the shape (${shape.join(", ")}) has, got ${values.length}`);
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${bytesPerElement(type) === 1 ? "|" : "<"}${kind}', 'fortran_order': False, 'shape': (${dims}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, " ");
  header.write(`${MAGIC}\x01\x00`, "latin1");
  header.writeUInt16LE(length, 8);
  header.write(text, 10);
  header[9 + length] = 10;
  if (HOST_IS_LITTLE_ENDIAN) return [header, bytesOf(values)];
  const bytes = bytesOf(values).slice();
  swapBytes(bytes, values.BYTES_PER_ELEMENT);
  return [header, bytes];
}

// ---- .npz

const [END, ENTRY, LOCAL] = [0x06054b50, 0x02014b50, 0x04034b50];
const MAX_RATIO = 1032;

/**
 * The arrays of a `.npz` file by name, without `.npy`.
 *
 * @param wanted which of them are read.
 */
export function readNpz(source: ByteSource, wanted: (name: string) => boolean = () => true): Map<string, NdArray> {
  const arrays = new Map<string, NdArray>();
  for (const entry of zipEntries(source)) {
    const name = entry.name.replace(/\.npy$/, "");
    if (name !== entry.name && wanted(name))
      arrays.set(name, readNpy(bytesSource(contentOf(entry, source), `${source.name}/${entry.name}`)));
  }
  return arrays;
}

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

function zipEntries(source: ByteSource): ZipEntry[] {
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
    entries.push({ name, method: directory.readUInt16LE(at + 10), packed, size, offset });
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

function contentOf({ name, method, packed, size, offset }: ZipEntry, source: ByteSource): Uint8Array {
  const local = Buffer.from(source.bytes(offset, 30, `header of ${show(name)}`));
  if (local.readUInt32LE(0) !== LOCAL)
    throw source.error(`expected the header of ${show(name)}, got something else`, offset);
  const start = offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  const bytes = source.bytes(start, packed, show(name));
  if (method === 0) return bytes;
  if (method !== 8) throw source.error(`expected ${show(name)} stored or deflated, got the method ${method}`, offset);
  if (size > MAX_RATIO * packed + 64)
    throw source.error(`expected ${size} bytes in ${show(name)}, got ${packed} compressed ones`, offset);
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    throw source.error(`expected ${show(name)} deflated, got damaged bytes: ${(error as Error).message}`, start, error);
  }
}
