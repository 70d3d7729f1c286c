/** Tensors from JavaScript values, and the factories whose dtype depends on JavaScript's numbers. */
import { markAsUntransferable } from "node:worker_threads";
import { types } from "node:util";
import { native } from "./addon";
import {
  arrayOf,
  checkArgument,
  checkOptions,
  count,
  device,
  dtype as dtypeKind,
  flag,
  isPlainObject,
  nullable,
  oneOf,
  refuseSurplus,
  show,
  tensor as tensorKind,
  type Kind,
  type KindsOf,
  type OptionKinds,
} from "./arguments";
import {
  dtypeCode,
  dtypeName,
  itemSize,
  type Device,
  type DType,
  type DTypeLike,
  type Layout,
  type Scalar,
} from "./dtype";
import { arrayDtype, checkFits, elementWriter, requireMemory } from "./elements";
import { guard } from "./errors";
import {
  arange as arangeOperator,
  full as fullOperator,
  scalarTensor as scalarTensorOperator,
} from "./operators.generated";
import type { TensorData } from "./read";
import { wrap } from "./scope";
import { Tensor } from "./tensor";

/** What `tensor()` takes: a value, nested arrays of values, or a TypedArray. */
export type TensorLike = Scalar | ArrayBufferView | readonly TensorLike[];

/** Where and as what a tensor is made. */
export interface TensorOptions {
  /** Default: by the data. */
  readonly dtype?: DTypeLike;
  /** Default: `"cpu"`. */
  readonly device?: Device;
  readonly requiresGrad?: boolean;
}

/** {@link TensorOptions} of a factory. */
export interface FactoryOptions extends TensorOptions {
  readonly layout?: Layout;
  readonly pinMemory?: boolean;
  /** Writes into this tensor. */
  readonly out?: Tensor;
}

const LAYOUTS = oneOf(
  "strided",
  "sparse_coo",
  "sparse_csr",
  "mkldnn",
  "sparse_csc",
  "sparse_bsr",
  "sparse_bsc",
  "jagged",
);
const PLACE = { dtype: nullable(dtypeKind), device: nullable(device) } satisfies OptionKinds;
const TENSOR = { ...PLACE, requiresGrad: flag } satisfies KindsOf<TensorOptions>;
const BUFFER = { dtype: nullable(dtypeKind), requiresGrad: flag } satisfies OptionKinds;
const BYTES = { device: nullable(device), requiresGrad: flag } satisfies OptionKinds;
const SCALAR = { ...TENSOR, layout: nullable(LAYOUTS), pinMemory: nullable(flag) } satisfies OptionKinds;
const FACTORY = { ...SCALAR, out: tensorKind } satisfies KindsOf<FactoryOptions>;
const SHAPE = arrayOf(count);

/** The dtype of float tensors made without one. */
export function getDefaultDtype(): DType {
  return dtypeName(native.defaultDtype());
}

/** Sets {@link getDefaultDtype} for the process. */
export function setDefaultDtype(dtype: DTypeLike): void {
  checkArgument("setDefaultDtype", "dtype", dtype, dtypeKind);
  guard("setDefaultDtype", () => native.setDefaultDtype(dtypeCode(dtype)));
}

/**
 * A tensor with a copy of the data. Without `dtype`: the default float type for numbers, int64 for bigints, bool for booleans,
 * complex64 for `{ re, im }`, the array's own type for a TypedArray.
 *
 * @param data a value (0-dim), nested arrays of equal lengths, or a TypedArray (1-dim).
 * @throws TypeError for ragged arrays or mixed kinds, RangeError for numbers that an integer dtype cannot hold.
 * @example
 * tensor([[1, 2], [3, 4]], { dtype: "float64", requiresGrad: true });
 */
export function tensor(data: TensorLike, options: TensorOptions = {}, ...surplus: never[]): Tensor {
  checkOptions("tensor", options, TENSOR, surplus);
  if (ArrayBuffer.isView(data)) return fromTypedArray(data, [elementCount(data, "tensor")], options);
  const shape = shapeOf(data);
  const dtype = options.dtype ? dtypeName(dtypeCode(options.dtype)) : dtypeOf(data, shape);
  const elements = elementWriter(dtype, countOf(shape));
  forEachValue(data, shape, 0, elements.write);
  return finish(make(elements.data, shape, elements.stored, dtype), options);
}

/** PyTorch's `as_tensor`: a tensor passes through (converted where the options say so), anything else is copied. */
export function asTensor(
  data: TensorLike | Tensor,
  options: Pick<TensorOptions, "dtype" | "device"> = {},
  ...surplus: never[]
): Tensor {
  checkOptions("asTensor", options, PLACE, surplus);
  return data instanceof Tensor ? data.to({ dtype: options.dtype, device: options.device }) : tensor(data, options);
}

/**
 * A tensor with a copy of a TypedArray's elements.
 *
 * @param data its type decides the dtype, unless `dtype` says otherwise: elements are then converted, except that a `Uint16Array` is
 *   taken as the bits of `"float16"` and `"bfloat16"`, a `Uint8Array` as `"bool"`, and float pairs (re, im) as complex numbers.
 * @param shape must have as many elements as the array; default: one dimension.
 */
export function fromTypedArray(
  data: ArrayBufferView,
  shape?: readonly number[],
  options: TensorOptions = {},
  ...surplus: never[]
): Tensor {
  checkOptions("fromTypedArray", options, TENSOR, surplus);
  const own = arrayDtype(data, "fromTypedArray");
  const dtype = options.dtype ? dtypeName(dtypeCode(options.dtype)) : own;
  const stored = reinterpreted(own, dtype);
  const count = elementCount(data, "fromTypedArray") / (isPair(stored) ? 2 : 1);
  const length = checkShape("fromTypedArray", shape ?? [count], count);
  if (stored !== dtype) checkFits(data as TensorData, own, dtype);
  return finish(make(data, length, stored, dtype), options);
}

/**
 * A CPU tensor over the memory of a TypedArray (also of a SharedArrayBuffer), without a copy: writes on either side are seen on
 * the other. The memory stays where it is: from now on its ArrayBuffer cannot be transferred by `postMessage` or
 * `structuredClone`. Where it is taken away by other means (`ArrayBuffer.transfer()`, `WebAssembly.Memory.grow()`), the tensor
 * throws `ERR_MEMORY_LOST` when it is used. The tensor cannot be resized in place.
 *
 * @param options.dtype reads the memory as this type (default: the array's own).
 * @throws TypeError for memory that can shrink (a resizable ArrayBuffer): copy it with {@link fromTypedArray}.
 */
export function fromBuffer(
  data: ArrayBufferView | ArrayBufferLike,
  shape?: readonly number[],
  options: Pick<TensorOptions, "dtype" | "requiresGrad"> = {},
  ...surplus: never[]
): Tensor {
  checkOptions("fromBuffer", options, BUFFER, surplus);
  const view = viewOf(data, options.dtype);
  const dtype = options.dtype ? dtypeName(dtypeCode(options.dtype)) : arrayDtype(view, "fromBuffer");
  const count = requireMemory(view, "fromBuffer").byteLength / itemSize(dtype);
  const length = checkShape("fromBuffer", shape ?? [count], count);
  const { buffer } = view;
  if (types.isArrayBuffer(buffer)) {
    if ((buffer as { resizable?: boolean }).resizable)
      throw new TypeError(
        "fromBuffer: expected memory of a fixed size, got a resizable ArrayBuffer: copy it with fromTypedArray()",
      );
    markAsUntransferable(buffer);
  }
  return finish(
    guard("fromBuffer", () => wrap(native.fromBuffer(view, length, dtypeCode(dtype)))),
    options,
  );
}

/**
 * A tensor from raw bytes in the dtype's own layout (little endian, row-major), copied.
 */
export function fromBytes(
  data: ArrayBufferView | ArrayBufferLike,
  shape: readonly number[],
  dtype: DTypeLike,
  options: Omit<TensorOptions, "dtype"> = {},
  ...surplus: never[]
): Tensor {
  checkArgument("fromBytes", "dtype", dtype, dtypeKind);
  checkOptions("fromBytes", options, BYTES, surplus);
  const name = dtypeName(dtypeCode(dtype));
  const view = requireMemory(viewOf(data, dtype), "fromBytes");
  const length = checkShape("fromBytes", shape, view.byteLength / itemSize(name));
  return finish(make(view, length, name, name), options);
}

/**
 * A tensor filled with a value: float32 (the default float type) for numbers, int64 for bigints, bool for booleans, unless `dtype` says.
 */
export function full(
  size: readonly number[],
  fillValue: Scalar,
  options: FactoryOptions = {},
  ...surplus: never[]
): Tensor {
  checkOptions("full", options, FACTORY, surplus);
  return options.out
    ? fullOperator(size, fillValue, { out: options.out })
    : fullOperator(size, fillValue, { ...options, dtype: options.dtype ?? inferDtype(new Set([kindOf(fillValue)])) });
}

/** A 0-dim tensor: float32 (the default float type) for numbers, unless `dtype` says. */
export function scalarTensor(value: Scalar, options: Omit<FactoryOptions, "out"> = {}, ...surplus: never[]): Tensor {
  checkOptions("scalarTensor", options, SCALAR, surplus);
  return scalarTensorOperator(value, { ...options, dtype: options.dtype ?? inferDtype(new Set([kindOf(value)])) });
}

/** The bounds of {@link arange} by name. */
export interface ArangeBounds {
  /** Default: 0. */
  readonly start?: number | bigint;
  readonly end?: number | bigint;
  /** Default: 1. */
  readonly step?: number | bigint;
}

const BOUND: Kind = {
  text: "a number or bigint",
  accepts: (value) => typeof value === "bigint" || (typeof value === "number" && !Number.isNaN(value)),
};
const ARANGE = { start: BOUND, end: BOUND, step: BOUND, ...FACTORY };

/**
 * `start`, `start + step`, … up to but without `end`: float32 (the default float type) for numbers, int64 for bigints, unless `dtype` says.
 *
 * @example
 * arange(5); arange(2, 8, 2, { dtype: "int64" }); arange({ start: 2, end: 8 });
 */
export function arange(end: number | bigint, options?: FactoryOptions): Tensor;
export function arange(start: number | bigint, end: number | bigint, options?: FactoryOptions): Tensor;
export function arange(
  start: number | bigint,
  end: number | bigint,
  step: number | bigint,
  options?: FactoryOptions,
): Tensor;
export function arange(options: ArangeBounds & { readonly end: number | bigint } & FactoryOptions): Tensor;
export function arange(start: number | bigint, options: ArangeBounds & FactoryOptions): Tensor;
export function arange(...all: (number | bigint | (ArangeBounds & FactoryOptions) | undefined)[]): Tensor {
  const given = all.filter((value) => value !== undefined);
  const named = isPlainObject(given.at(-1)) ? (given.pop() as ArangeBounds & FactoryOptions) : {};
  checkOptions("arange", named, ARANGE);
  for (const bound of given) {
    if (!BOUND.accepts(bound))
      throw new TypeError(
        `arange: expected (end), (start, end) or (start, end, step) as numbers, then options, got ${show(bound)}`,
      );
  }
  refuseSurplus("arange", given.slice(3));
  const { start: ownStart, end: ownEnd, step: ownStep, ...options } = named;
  // one bound by position is the end, unless the end has its name
  const byPosition =
    given.length === 1 && ownEnd === undefined ? { end: given[0] } : { start: given[0], end: given[1], step: given[2] };
  const { start, end, step } = Object.fromEntries(
    Object.entries({ start: ownStart, end: ownEnd, step: ownStep }).map(([name, value]) => {
      const positional = byPosition[name as keyof typeof byPosition];
      if (value !== undefined && positional !== undefined)
        throw new TypeError(`arange: expected ${name} once, got it by position and by name`);
      return [name, value ?? positional];
    }),
  ) as ArangeBounds;
  if (end === undefined)
    throw new TypeError("arange: expected an end, as in arange(5) or arange({ end: 5 }), got none");
  const kinds = new Set([start, end, step].filter((bound) => bound !== undefined).map(kindOf));
  const place = options.out ? { out: options.out } : { ...options, dtype: options.dtype ?? inferDtype(kinds) };
  return arangeOperator(start ?? 0, end, step ?? 1, place);
}

// ---- data

type KindOfValue = "complex" | "number" | "bigint" | "boolean";

function kindOf(value: Scalar): KindOfValue {
  return typeof value === "object" ? "complex" : (typeof value as KindOfValue);
}

/** The dtype that PyTorch gives to values of these kinds (JavaScript's numbers count as floats). */
function inferDtype(kinds: ReadonlySet<KindOfValue>): DType {
  if (kinds.has("complex")) return getDefaultDtype() === "float64" ? "complex128" : "complex64";
  if (kinds.has("number") || kinds.size === 0) return getDefaultDtype();
  return kinds.has("bigint") ? "int64" : "bool";
}

function dtypeOf(data: TensorLike, shape: readonly number[]): DType {
  const kinds = new Set<KindOfValue>();
  forEachValue(data, shape, 0, (value) => kinds.add(kindOf(value)));
  return inferDtype(kinds);
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** As in PyTorch. */
const MAX_DIMENSIONS = 64;

function shapeOf(data: TensorLike): number[] {
  const shape: number[] = [];
  for (
    let level: TensorLike | undefined = data;
    Array.isArray(level) || ArrayBuffer.isView(level);
    level = (level as readonly TensorLike[])[0]
  ) {
    shape.push((level as readonly TensorLike[]).length);
    if (shape.length > MAX_DIMENSIONS)
      throw new TypeError(
        `tensor: expected at most ${MAX_DIMENSIONS} levels of arrays, got more (or one that holds itself)`,
      );
    if (ArrayBuffer.isView(level)) break;
  }
  return shape;
}

function forEachValue(data: TensorLike, shape: readonly number[], depth: number, visit: (value: Scalar) => void): void {
  const isList = Array.isArray(data) || ArrayBuffer.isView(data);
  if (isList !== depth < shape.length || (isList && (data as readonly TensorLike[]).length !== shape[depth])) {
    const came = isList ? `a list of ${(data as readonly TensorLike[]).length}` : "a value";
    const wanted = depth < shape.length ? `a list of ${shape[depth]}` : "a value";
    throw new TypeError(
      `tensor: expected arrays of equal lengths (shape [${shape.join(", ")}]), got ${came} where ${wanted} belongs`,
    );
  }
  if (isList) {
    const list = data as readonly TensorLike[];
    for (let index = 0; index < shape[depth]!; index++) forEachValue(list[index]!, shape, depth + 1, visit);
  } else if (isScalar(data)) visit(data);
  else
    throw new TypeError(
      `tensor: expected numbers, bigints, booleans or { re, im }, got ${data === null ? "null" : typeof data}`,
    );
}

function isScalar(value: unknown): value is Scalar {
  return (
    ["number", "bigint", "boolean"].includes(typeof value) ||
    (typeof value === "object" && value !== null && "re" in value && "im" in value)
  );
}

function make(data: ArrayBufferView, shape: readonly number[], stored: DType, wanted: DType): Tensor {
  const made = guard("tensor", () => wrap(native.fromBytes(data, shape, dtypeCode(stored))));
  return stored === wanted ? made : replaced(made, made.to(wanted));
}

/** Bare memory as bytes, where a dtype says how to read it. */
function viewOf(data: ArrayBufferView | ArrayBufferLike, dtype: DTypeLike | undefined): ArrayBufferView {
  return dtype !== undefined && types.isAnyArrayBuffer(data) ? new Uint8Array(data) : (data as ArrayBufferView);
}

function replaced(old: Tensor, made: Tensor): Tensor {
  if (made !== old) old.dispose();
  return made;
}

function finish(made: Tensor, { device, requiresGrad }: TensorOptions): Tensor {
  const placed = device === undefined ? made : replaced(made, made.to({ device }));
  return requiresGrad ? placed.requiresGrad_() : placed;
}

/** The type in which the array's memory is read, on the way to `wanted`. */
function reinterpreted(array: DType, wanted: DType): DType {
  const bits = array === "uint16" && (wanted === "float16" || wanted === "bfloat16");
  const mask = array === "uint8" && wanted === "bool";
  const pairs = (array === "float32" && wanted === "complex64") || (array === "float64" && wanted === "complex128");
  return bits || mask || pairs ? wanted : array;
}

function isPair(dtype: DType): boolean {
  return dtype.startsWith("complex");
}

function elementCount(data: ArrayBufferView, where: string): number {
  return requireMemory(data, where).byteLength / itemSize(arrayDtype(data, where));
}

function checkShape(where: string, shape: readonly number[], count: number): readonly number[] {
  if (!Array.isArray(shape)) checkArgument(where, "shape", shape, SHAPE);
  const needed = countOf(shape);
  if (!shape.every((length) => Number.isInteger(length) && length >= 0))
    throw new RangeError(`${where}: expected lengths of at least 0 in the shape, got [${shape.join(", ")}]`);
  if (needed !== count)
    throw new RangeError(`${where}: expected ${needed} elements for the shape [${shape.join(", ")}], got ${count}`);
  return shape;
}
