/** Reading a tensor's elements into JavaScript values. */
import { native } from "./addon";
import { itemSize, type Complex, type DType } from "./dtype";
import { DisposedError, guard } from "./errors";
import type { Tensor } from "./tensor";

/** What `data()` gives, by dtype. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Elements as JavaScript values, nested by dimension. */
export type NestedArray = number | bigint | boolean | Complex | NestedArray[];

/** @internal A copy of the elements' bytes in row-major order. */
export function readBytes(tensor: Tensor): Uint8Array {
  if (tensor.handle === 0) throw new DisposedError("bytes");
  return new Uint8Array(guard("bytes", () => native.toBytes(tensor.handle)));
}

/** @internal A copy of the elements as the TypedArray of the dtype; float16 and bfloat16 are widened to float32. */
export function readTypedArray(tensor: Tensor): TensorData {
  const raw = rawArray(readBytes(tensor).buffer as ArrayBuffer, tensor.dtype);
  switch (tensor.dtype) {
    case "float16":
    case "complex32":
      return Float32Array.from(raw as Uint16Array, fromFloat16);
    case "bfloat16":
      return widenBfloat16(raw as Uint16Array);
    default:
      return raw;
  }
}

/** @internal The tensor's memory itself as a TypedArray (float16 and bfloat16 as their bits); null where Node gives no access. */
export function sharedTypedArray(tensor: Tensor): TensorData | null {
  if (tensor.handle === 0) throw new DisposedError("sharedData");
  const { buffer, byteOffset, byteLength, shared } = guard("sharedData", () => native.dataBuffer(tensor.handle));
  return shared ? rawArray(buffer, tensor.dtype, byteOffset, byteLength) : null;
}

/** The TypedArray whose elements lie in memory as the dtype's do. */
function rawArray(buffer: ArrayBuffer, dtype: DType, offset = 0, bytes = buffer.byteLength): TensorData {
  const count = (size: number): number => bytes / size;
  switch (dtype) {
    case "float32":
    case "complex64":
      return new Float32Array(buffer, offset, count(4));
    case "float64":
    case "complex128":
      return new Float64Array(buffer, offset, count(8));
    case "int8":
    case "qint8":
      return new Int8Array(buffer, offset, count(1));
    case "int16":
      return new Int16Array(buffer, offset, count(2));
    case "int32":
    case "qint32":
      return new Int32Array(buffer, offset, count(4));
    case "int64":
      return new BigInt64Array(buffer, offset, count(8));
    case "uint16":
    case "float16":
    case "complex32":
    case "bfloat16":
      return new Uint16Array(buffer, offset, count(2));
    case "uint32":
      return new Uint32Array(buffer, offset, count(4));
    case "uint64":
      return new BigUint64Array(buffer, offset, count(8));
    default:
      return new Uint8Array(buffer, offset, count(1));
  }
}

/** The value of the bits of an IEEE half. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) wide[index] = bits[index]! << 16;
  return new Float32Array(wide.buffer);
}

/** @internal The elements as nested arrays. */
export function readArray(tensor: Tensor): NestedArray {
  return nest(readValues(tensor), tensor.shape);
}

/** @internal The elements as JavaScript values in row-major order. */
export function readValues(tensor: Tensor): (number | bigint | boolean | Complex)[] {
  const { dtype } = tensor;
  const data = readTypedArray(tensor);
  if (dtype.startsWith("complex")) {
    const pairs = data as Float32Array;
    return Array.from({ length: pairs.length / 2 }, (_, index) => ({
      re: pairs[2 * index]!,
      im: pairs[2 * index + 1]!,
    }));
  }
  if (dtype === "bool") return Array.from(data as Uint8Array, (value) => value !== 0);
  if (dtype === "int64" || dtype === "uint64") return Array.from(data as BigInt64Array, exact);
  return Array.from(data as Float32Array);
}

function exact(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function nest(values: readonly (number | bigint | boolean | Complex)[], shape: readonly number[]): NestedArray {
  if (shape.length === 0) return values[0]!;
  let level: NestedArray[] = [...values];
  for (let dim = shape.length - 1; dim > 0; dim--) {
    const length = shape[dim]!;
    const count = shape.slice(0, dim).reduce((product, size) => product * size, 1);
    level = Array.from({ length: count }, (_, index) => level.slice(index * length, (index + 1) * length));
  }
  return level;
}

/** Bytes that a tensor of this shape and dtype takes. */
export function byteLength(shape: readonly number[], dtype: DType): number {
  return shape.reduce((product, length) => product * length, itemSize(dtype));
}
