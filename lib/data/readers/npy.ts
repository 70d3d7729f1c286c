/** NumPy's arrays: `.npy` (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html) and `.npz`, a zip of them. */
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
import { zipContent, zipEntries } from "./zip";

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
      arrays.set(name, readNpy(bytesSource(zipContent(entry, source), `${source.name}/${entry.name}`)));
  }
  return arrays;
}
