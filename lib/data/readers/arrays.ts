/** Typed arrays by name of their type, and the bytes beneath them. */
import { endianness } from "node:os";

/** Arrays of numbers as files hold them; 64-bit integers are bigints. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

const CONSTRUCTORS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** Name of a type of numbers, as in NumPy and PyTorch. */
export type NumericType = keyof typeof CONSTRUCTORS;

/** Numbers in rows: `values` has as many elements as the product of `shape`, last dimension fastest. */
export interface NdArray<Values extends TypedArray = TypedArray> {
  readonly values: Values;
  /** `[N]` for scalars, `[N, C]` for C components a row; any number of dimensions in files of arrays. */
  readonly shape: readonly number[];
}

/** A zeroed array. */
export function createArray(type: NumericType, length: number): TypedArray {
  return new CONSTRUCTORS[type](length);
}

/** Bytes of one element. */
export function bytesPerElement(type: NumericType): number {
  return CONSTRUCTORS[type].BYTES_PER_ELEMENT;
}

/** The name of an array's type. */
export function numericType(values: TypedArray): NumericType {
  for (const [name, constructor] of Object.entries(CONSTRUCTORS)) {
    if (values instanceof constructor) return name as NumericType;
  }
  throw new TypeError(`expected a typed array of numbers, got ${Object.prototype.toString.call(values)}`);
}

/** The same memory as bytes. */
export function bytesOf(values: TypedArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Whether this machine stores the least significant byte first. */
export const HOST_IS_LITTLE_ENDIAN = endianness() === "LE";

/** Reverses the bytes of each element of `size` bytes, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Turns elements read from a file into those of this machine, in place. */
export function fromFileOrder<Values extends TypedArray>(values: Values, littleEndian: boolean): Values {
  if (littleEndian !== HOST_IS_LITTLE_ENDIAN) swapBytes(bytesOf(values), values.BYTES_PER_ELEMENT);
  return values;
}

/** Number of rows and of components of each: (N) is N rows of 1, (N, 3) N rows of 3. */
export function rowsOf({ shape }: NdArray): { rows: number; components: number } {
  return { rows: shape[0] ?? 1, components: shape.slice(1).reduce((product, size) => product * size, 1) };
}

/** Rows of `components` numbers: (N) for one, else (N, components). */
export function rowArray<Values extends TypedArray>(values: Values, components: number): NdArray<Values> {
  const rows = components === 0 ? 0 : values.length / components;
  return { values, shape: components === 1 ? [rows] : [rows, components] };
}

/** Integers as int32; undefined where one does not fit, or is not an integer. An array of int32 is returned as it is. */
export function toInt32(values: TypedArray): Int32Array | undefined {
  if (values instanceof Int32Array) return values;
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const narrow = new Int32Array(values.length);
    return narrowInto(values, narrow, 0) ? narrow : undefined;
  }
  const result = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    result[i] = value;
    if (result[i] !== value) return undefined;
  }
  return result;
}

/**
 * Writes 64-bit integers as int32 into a target, from `at` on, without a bigint for each.
 *
 * @returns false where one does not fit.
 */
export function narrowInto(values: BigInt64Array | BigUint64Array, target: Int32Array, at: number): boolean {
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const [low, high] = HOST_IS_LITTLE_ENDIAN ? [0, 1] : [1, 0];
  const { length } = values;
  let lost = 0;
  for (let i = 0; i < length; i++) {
    const value = words[2 * i + low]!;
    lost |= words[2 * i + high]! ^ (value >> 31);
    target[at + i] = value;
  }
  return lost === 0;
}

/** Whether all values are from 0 to below `end`. */
export function areBelow(values: Int32Array, end: number): boolean {
  const { length } = values;
  // a negative value is a large one without its sign
  for (let i = 0; i < length; i++) if (values[i]! >>> 0 >= end) return false;
  return true;
}

/** Coordinates as floats: float32 and float64 as they are, everything else as float64. */
export function toFloats(values: TypedArray): Float32Array | Float64Array {
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  const result = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = Number(values[i]);
  return result;
}
