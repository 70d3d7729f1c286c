/** JavaScript's numbers as elements of a dtype, by PyTorch's rules, and the TypedArrays that hold them. */
import type { DType, Scalar } from "./dtype";

/** Smallest and largest value of the integer dtypes; undefined for all others. */
const RANGES: Partial<Record<DType, readonly [bigint, bigint]>> = {
  uint8: [0n, 255n],
  int8: [-128n, 127n],
  uint16: [0n, 65535n],
  int16: [-32768n, 32767n],
  uint32: [0n, 4294967295n],
  int32: [-2147483648n, 2147483647n],
  uint64: [0n, 18446744073709551615n],
  int64: [-9223372036854775808n, 9223372036854775807n],
};

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** Where the values of a tensor are written one after the other, in row-major order. */
export interface ElementWriter {
  /** What was written, in the memory layout of {@link stored}. */
  readonly data: ArrayBufferView;
  /** The wanted dtype, or the wider one from which the native side converts (float32 for float16 and its like). */
  readonly stored: DType;
  readonly write: (value: Scalar) => void;
}

/**
 * @throws TypeError, RangeError from `write` for a value that the dtype cannot hold, as PyTorch throws: numbers outside of an integer
 *   type's range (negative ones wrap to unsigned types of up to 32 bits), NaN and infinities; fractions are cut off.
 */
export function elementWriter(dtype: DType, count: number): ElementWriter {
  let at = 0;
  if (dtype.startsWith("complex")) {
    const stored = dtype === "complex128" ? dtype : "complex64";
    const data = new (stored === "complex128" ? Float64Array : Float32Array)(2 * count);
    const write = (value: Scalar): void => {
      data[at++] = typeof value === "object" ? value.re : Number(value);
      data[at++] = typeof value === "object" ? value.im : 0;
    };
    return { data, stored, write };
  }
  const range = RANGES[dtype];
  const stored = Object.hasOwn(ARRAYS, dtype) ? (dtype as keyof typeof ARRAYS) : "float32";
  const data = new ARRAYS[stored](count) as { [index: number]: number | bigint } & ArrayBufferView;
  const convert =
    dtype === "bool"
      ? (value: Scalar): number => Number(isNonzero(value))
      : range === undefined
        ? realNumber
        : integerConverter(dtype, range);
  return { data, stored, write: (value) => (data[at++] = convert(value)) };
}

/** Like Python's truth of a number: NaN is true. */
function isNonzero(value: Scalar): boolean {
  return typeof value === "object" ? value.re !== 0 || value.im !== 0 : Number(value) !== 0;
}

function realNumber(value: Scalar): number {
  if (typeof value === "object") throw new TypeError("tensor: expected real numbers for this dtype, got a complex one");
  return Number(value);
}

function integerConverter(dtype: DType, [min, max]: readonly [bigint, bigint]): (value: Scalar) => number | bigint {
  const wide = dtype === "int64" || dtype === "uint64";
  // PyTorch lets negative integers wrap to unsigned types, but for uint64.
  const least = min === 0n && !wide ? -max : min;
  const [smallest, largest, lowest] = [Number(min), Number(max), Number(least)];
  const refuse = (value: Scalar): never => {
    const shown = typeof value === "bigint" ? `${value}n` : String(value);
    if (Number.isNaN(Number(value))) throw new TypeError(`tensor: expected integers for this dtype, got NaN`);
    throw new RangeError(
      `tensor: expected values from ${min} to ${max} for ${dtype}, got ${shown}: choose another dtype, or clamp the values`,
    );
  };
  return (value) => {
    if (typeof value === "bigint") {
      if (value < least || value > max) refuse(value);
      return wide ? value : Number(value);
    }
    const number = realNumber(value);
    // For fractions the number itself is compared, before it is cut. 2^63 and 2^64 are what the limits round to.
    const fits = Number.isInteger(number)
      ? number >= lowest && (wide ? number < largest : number <= largest)
      : number >= smallest && number <= largest;
    if (!fits) refuse(value);
    return wide ? BigInt(Math.trunc(number)) : Math.trunc(number);
  };
}

/**
 * Refuses elements that the dtype cannot hold, before the native side converts them (which would give anything).
 *
 * @param from the dtype of the array's elements.
 */
export function checkFits(data: ArrayLike<number | bigint>, from: DType, to: DType): void {
  const range = RANGES[to];
  if (range === undefined || from === "bool" || from.startsWith("complex")) return;
  const source = RANGES[from];
  if (source !== undefined && source[0] >= range[0] && source[1] <= range[1]) return;
  const convert = integerConverter(to, range);
  for (let index = 0; index < data.length; index++) convert(data[index]!);
}

// ---- TypedArrays

const DTYPE_BY_ARRAY: Readonly<Record<string, DType>> = {
  Float16Array: "float16",
  Float32Array: "float32",
  Float64Array: "float64",
  Int8Array: "int8",
  Int16Array: "int16",
  Int32Array: "int32",
  BigInt64Array: "int64",
  Uint8Array: "uint8",
  Uint8ClampedArray: "uint8",
  Uint16Array: "uint16",
  Uint32Array: "uint32",
  BigUint64Array: "uint64",
};

// The class by its tag, since an array of another realm (a vm context, a test runner's) is not an instance of this one's classes.
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the array as `this`
const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

/** The dtype of a TypedArray's elements. */
export function arrayDtype(data: unknown, where: string): DType {
  const tag = (typeof data === "object" && data !== null ? tagOf.call(data) : undefined) as string | undefined;
  const dtype = tag === undefined ? undefined : DTYPE_BY_ARRAY[tag];
  if (dtype !== undefined) return dtype;
  const came = Object.prototype.toString.call(data).slice(8, -1);
  const hint = came.endsWith("ArrayBuffer") ? `: make a view of it, new Float32Array(buffer)` : "";
  throw new TypeError(`${where}: expected a TypedArray, got ${came}${hint}`);
}

/**
 * Refuses a view whose memory was transferred away.
 *
 * @returns the view.
 */
export function requireMemory<View extends ArrayBufferView>(data: View, where: string): View {
  if (data.byteLength === 0) {
    try {
      new Uint8Array(data.buffer as ArrayBuffer);
    } catch {
      throw new TypeError(`${where}: expected an array with memory, got one whose ArrayBuffer was transferred away`);
    }
  }
  return data;
}
