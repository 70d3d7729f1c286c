/** Reading a tensor's elements into JavaScript values. What does not fit into JavaScript's memory is an error, never its end. */
import { getHeapStatistics } from "node:v8";
import { native } from "./addon";
import { dtypeCode, itemSize, type Complex, type DType } from "./dtype";
import { DisposedError, guard, TorchError } from "./errors";
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
  if (tensor.handle === 0) throw new DisposedError("dataSync");
  const dtype = WIDENED[tensor.dtype] ?? tensor.dtype;
  return rawArray(
    guard("dataSync", () => native.toBytes(tensor.handle, dtypeCode(dtype))),
    dtype,
  );
}

/** Types that no TypedArray of every Node has. */
const WIDENED: Partial<Record<DType, DType>> = { float16: "float32", bfloat16: "float32", complex32: "complex64" };

/** @internal The tensor's memory itself as a TypedArray (float16 and bfloat16 as their bits); null where Node gives no access. */
export function sharedTypedArray(tensor: Tensor): TensorData | null {
  if (tensor.handle === 0) throw new DisposedError("sharedData");
  const memory = guard("sharedData", () => native.dataBuffer(tensor.handle));
  return memory && rawArray(memory.buffer, tensor.dtype, memory.byteOffset, memory.byteLength);
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

/** One element as a JavaScript value. */
type Value = number | bigint | boolean | Complex;

/** @internal The elements as nested arrays. */
export function readArray(tensor: Tensor): NestedArray {
  const { shape } = tensor;
  const read = valueReader(tensor, "toArray");
  let at = 0;
  const level = (dim: number): NestedArray[] => {
    const list: NestedArray[] = [];
    const length = shape[dim]!;
    if (dim === shape.length - 1) for (let index = 0; index < length; index++) list.push(read(at++));
    else for (let index = 0; index < length; index++) list.push(level(dim + 1));
    return list;
  };
  return shape.length === 0 ? read(0) : level(0);
}

/** @internal The elements as nested arrays that JSON holds exactly. */
export function readJson(tensor: Tensor, key: string): NestedArray {
  const check = (value: Value): void => {
    if (typeof value === "object") return [value.re, value.im].forEach(check);
    if (typeof value !== "bigint" && (typeof value !== "number" || Number.isFinite(value))) return;
    const place = key === "" ? "" : ` at ${JSON.stringify(key)}`;
    throw new TypeError(
      `JSON.stringify${place}: expected numbers that JSON can hold, got ${String(value)} in a tensor of ${tensor.dtype}: ` +
        "write x.nanToNum(), String(x), or dataSync() in a form of your own",
    );
  };
  readValues(tensor, "JSON.stringify").forEach(check);
  return readArray(tensor);
}

/** @internal The elements as JavaScript values in row-major order. */
export function readValues(tensor: Tensor, where: string): Value[] {
  const read = valueReader(tensor, where);
  const count = tensor.numel();
  const values: Value[] = [];
  for (let index = 0; index < count; index++) values.push(read(index));
  return values;
}

function valueReader(tensor: Tensor, where: string): (index: number) => Value {
  const { dtype } = tensor;
  const complex = dtype.startsWith("complex");
  requireHeap(where, tensor.numel(), complex ? 96 : itemSize(dtype) === 8 ? 32 : 16);
  const data = readTypedArray(tensor);
  if (complex) return (index) => ({ re: data[2 * index] as number, im: data[2 * index + 1] as number });
  if (dtype === "bool") return (index) => data[index] !== 0;
  if (dtype === "int64" || dtype === "uint64") return (index) => exact(data[index] as bigint);
  return (index) => data[index] as number;
}

/** V8 ends the process when its heap is full, so this is asked before. */
function requireHeap(where: string, count: number, bytesEach: number): void {
  if (count * bytesEach < 2 ** 20) return;
  const { heap_size_limit: limit, used_heap_size: used } = getHeapStatistics();
  if (count < MAX_LIST && count * bytesEach < 0.8 * (limit - used)) return;
  throw new TorchError(
    `${where}: expected at most about ${Math.max(0, Math.floor(Math.min(MAX_LIST, (0.8 * (limit - used)) / bytesEach)))} elements, for which JavaScript's heap has room, got ${count}: use dataSync(), read a part at a time, or start Node with a larger --max-old-space-size`,
    { code: "ERR_OUT_OF_MEMORY", operator: where },
  );
}

/** Elements that one JavaScript array holds at most, in V8's fast form. */
const MAX_LIST = 2 ** 27 - 64;

function exact(value: bigint): number | bigint {
  return value >= MIN_SAFE && value <= MAX_SAFE ? Number(value) : value;
}

const MIN_SAFE = BigInt(Number.MIN_SAFE_INTEGER);
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Bytes that a tensor of this shape and dtype takes. */
export function byteLength(shape: readonly number[], dtype: DType): number {
  return shape.reduce((product, length) => product * length, itemSize(dtype));
}
