/** Element types, layouts and memory formats: PyTorch's names on this side, c10's integer codes on the native side. */
import { nearestOption } from "./nearest-option";

/** c10::ScalarType codes by name. */
const CODES = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  complex32: 8,
  complex64: 9,
  complex128: 10,
  bool: 11,
  qint8: 12,
  quint8: 13,
  qint32: 14,
  bfloat16: 15,
  float8_e5m2: 23,
  float8_e4m3fn: 24,
  float8_e5m2fnuz: 25,
  float8_e4m3fnuz: 26,
  uint16: 27,
  uint32: 28,
  uint64: 29,
  float8_e8m0fnu: 44,
  float4_e2m1fn_x2: 45,
} as const;

/** Types that files may hold and that nearly no operator takes: bits without a meaning, packed and sub-byte integers. */
const OPAQUE_CODES = {
  quint4x2: 16,
  quint2x4: 17,
  bits1x8: 18,
  bits2x4: 19,
  bits4x2: 20,
  bits8: 21,
  bits16: 22,
  uint1: 30,
  uint2: 31,
  uint3: 32,
  uint4: 33,
  uint5: 34,
  uint6: 35,
  uint7: 36,
  int1: 37,
  int2: 38,
  int3: 39,
  int4: 40,
  int5: 41,
  int6: 42,
  int7: 43,
} as const;

/** Names that PyTorch accepts beside the canonical ones. */
const ALIASES = {
  byte: "uint8",
  char: "int8",
  short: "int16",
  int: "int32",
  long: "int64",
  half: "float16",
  float: "float32",
  double: "float64",
  chalf: "complex32",
  cfloat: "complex64",
  cdouble: "complex128",
} as const;

/** Name of an element type, as `x.dtype` gives it: `"float32"`, `"int64"`, `"bool"`, … */
export type DType = keyof typeof CODES | keyof typeof OPAQUE_CODES;

/** What a `dtype` argument takes: a {@link DType} or one of PyTorch's short names (`"float"`, `"long"`, `"half"`, …). */
export type DTypeLike = DType | keyof typeof ALIASES;

/** A device as PyTorch spells it: `"cpu"`, `"cuda"`, `"cuda:1"`, `"meta"`. */
export type Device = string;

const LAYOUTS = {
  strided: 0,
  sparse_coo: 1,
  sparse_csr: 2,
  mkldnn: 3,
  sparse_csc: 4,
  sparse_bsr: 5,
  sparse_bsc: 6,
  jagged: 7,
} as const;

/** How the elements lie in memory; nearly always `"strided"`. */
export type Layout = keyof typeof LAYOUTS;

const MEMORY_FORMATS = { contiguous_format: 0, preserve_format: 1, channels_last: 2, channels_last_3d: 3 } as const;

/** Order of the dimensions in memory. */
export type MemoryFormat = keyof typeof MEMORY_FORMATS;

/** A complex number. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** A number argument of an operator: an integral number is an int, any other a float, a bigint is an int64. */
export type Scalar = number | bigint | boolean | Complex;

const CODE_BY_NAME: ReadonlyMap<string, number> = new Map<string, number>([
  ...Object.entries(CODES),
  ...Object.entries(OPAQUE_CODES),
  ...Object.entries(ALIASES).map(([alias, name]): [string, number] => [alias, CODES[name]]),
]);
const NAME_BY_CODE: ReadonlyMap<number, DType> = new Map(
  [...Object.entries(CODES), ...Object.entries(OPAQUE_CODES)].map(([name, code]) => [code, name as DType]),
);

/** Names of the dtypes that tensors are made with. */
export const dtypes: readonly DType[] = Object.keys(CODES) as DType[];

/** Names of the dtypes that only files and device code know: tensors of them can be loaded, saved and little else. */
export const opaqueDTypes: readonly DType[] = Object.keys(OPAQUE_CODES) as DType[];

/**
 * c10's code of a dtype name; `undefined` and `null` pass through (they take the operator's default).
 *
 * @throws TypeError for anything else.
 */
export function dtypeCode(dtype: DTypeLike): number;
export function dtypeCode(dtype: DTypeLike | null | undefined): number | undefined;
export function dtypeCode(dtype: DTypeLike | null | undefined): number | undefined {
  if (dtype === undefined || dtype === null) return undefined;
  const code = CODE_BY_NAME.get(dtype);
  if (code === undefined)
    throw new TypeError(`expected a dtype (${dtypes.join(", ")}), got ${describe(dtype)}${nearDType(dtype)}`);
  return code;
}

/** The name of c10's code. */
export function dtypeName(code: number): DType {
  const name = NAME_BY_CODE.get(code);
  if (name === undefined) throw new Error(`internal: expected a known c10 ScalarType code, got ${code}`);
  return name;
}

/** True for a string that names a dtype. */
export function isDType(value: unknown): value is DTypeLike {
  return typeof value === "string" && CODE_BY_NAME.has(value);
}

/** Names that people bring from elsewhere. */
const FOREIGN: ReadonlyMap<string, DType> = new Map<string, DType>([
  ["f16", "float16"],
  ["fp16", "float16"],
  ["f32", "float32"],
  ["fp32", "float32"],
  ["f64", "float64"],
  ["fp64", "float64"],
  ["bf16", "bfloat16"],
  ["i32", "int32"],
  ["i64", "int64"],
]);

/** `; did you mean "float32"?` for what is near the name of a dtype, else "": follows "got …" in a message. */
export function nearDType(value: unknown): string {
  if (typeof value !== "string") return "";
  const bare = value.replace(/^torch\./, "").toLowerCase();
  const near = FOREIGN.get(bare) ?? nearestOption(bare, CODE_BY_NAME.keys());
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** c10's code of a layout name; `undefined` and `null` pass through. */
export function layoutCode(layout: Layout | null | undefined): number | undefined {
  return codeOf(LAYOUTS, layout, "layout");
}

/** c10's code of a memory format; `undefined` and `null` pass through. */
export function memoryFormatCode(format: MemoryFormat | null | undefined): number | undefined {
  return codeOf(MEMORY_FORMATS, format, "memory format");
}

function codeOf<Name extends string>(
  codes: Readonly<Record<Name, number>>,
  name: Name | null | undefined,
  kind: string,
): number | undefined {
  if (name === undefined || name === null) return undefined;
  if (typeof name !== "string" || !Object.hasOwn(codes, name)) {
    throw new TypeError(`expected a ${kind} (${Object.keys(codes).join(", ")}), got ${describe(name)}`);
  }
  return codes[name];
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : typeof value;
}

/** Bytes of one element. */
export function itemSize(dtype: DType): number {
  switch (dtype) {
    case "int16":
    case "uint16":
    case "float16":
    case "bfloat16":
    case "bits16":
      return 2;
    case "int32":
    case "uint32":
    case "qint32":
    case "float32":
    case "complex32":
      return 4;
    case "int64":
    case "uint64":
    case "float64":
    case "complex64":
      return 8;
    case "complex128":
      return 16;
    default:
      return 1;
  }
}

/** True for the real floating-point types. */
export function isFloatingPoint(dtype: DType): boolean {
  return dtype.startsWith("float") || dtype === "bfloat16";
}

/** True for the complex types. */
export function isComplex(dtype: DType): boolean {
  return dtype.startsWith("complex");
}
