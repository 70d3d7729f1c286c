/** The tensor: a handle into the addon's table, with PyTorch's properties and methods. */
import { native } from "./addon";
import {
  byPositionOrName,
  checkArgument,
  checkOptions,
  device as deviceKind,
  dtype as dtypeKind,
  flag,
  isPlainObject,
  limitArguments,
  nullable,
  oneOf,
  refuseSurplus,
  show,
  type Kind,
  type KindsOf,
  TENSOR_MARK,
} from "./arguments";
import {
  dtypeCode,
  dtypeName,
  isDType,
  itemSize,
  nearDType,
  memoryFormatCode,
  type Complex,
  type Device,
  type DType,
  type DTypeLike,
  type MemoryFormat,
} from "./dtype";
import { backward, noGrad, registerTensorHook, type BackwardOptions, type HookHandle } from "./autograd/recording";
import { lu, nonzero, norm, unique, type LuOptions, type NormArguments, type UniqueOptions } from "./composites";
import { DEEPCOPY, type CopyInside } from "./deepcopy";
import { registerEquality, valueTag, valueText } from "./equality";
import { DisposedError, guard, TorchError } from "./errors";
import { refuseForeignNames } from "./foreign-names";
import { assignAt, indexAt, type TensorIndex } from "./indexing";
import {
  adjoint as adjointOperator,
  imag as imagOperator,
  permute as permuteOperator,
  real as realOperator,
  transpose as transposeOperator,
  uniqueConsecutive,
} from "./operators.generated";
import { formatTensor } from "./print";
import {
  readArray,
  readBytes,
  readJson,
  readTypedArray,
  sharedTypedArray,
  type NestedArray,
  type TensorData,
} from "./read";
import { keep, wrap, type Scope } from "./scope";
import { TensorMethods } from "./tensor-methods.generated";
import { unclonable } from "./unclonable";

/** Shape, dtype and device, read in one native call and kept until an operator writes the tensor in place. */
interface CachedInfo {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly device: Device;
}

/** Keyword arguments of {@link Tensor.to}. */
export interface ToOptions {
  readonly device?: Device;
  readonly dtype?: DTypeLike;
  readonly nonBlocking?: boolean;
  /** Copies even where device and dtype already fit. */
  readonly copy?: boolean;
  readonly memoryFormat?: MemoryFormat;
}

/** Options of the casts {@link Tensor.float}, …. */
export interface CastOptions {
  /** How the elements lie afterwards (default: as they do). */
  readonly memoryFormat?: MemoryFormat;
}

const TO = {
  device: nullable(deviceKind),
  dtype: nullable(dtypeKind),
  nonBlocking: flag,
  copy: flag,
  memoryFormat: nullable(oneOf("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")),
} satisfies KindsOf<ToOptions>;

function castOptions(where: string, options: CastOptions): CastOptions {
  checkOptions(where, options, { memoryFormat: TO.memoryFormat });
  return options;
}

/** A `cuda.Stream`, by what this file needs of it. */
const STREAM: Kind = {
  text: "a cuda.Stream",
  accepts: (value) => {
    const { device, id } = (value ?? {}) as { device?: unknown; id?: unknown };
    return typeof device === "string" && typeof id === "number";
  },
};

const TEXT = Symbol("text");

const ADVICE = unclonable(
  () =>
    "a tensor is not plain data: shareTensor(x) hands it to a worker, x.clone() copies it, x.toArray() gives its values",
);

/**
 * A multi-dimensional array on a device, with PyTorch's semantics. Made by `tensor`, `zeros`, … or by an operator.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * x.matmul(x).sum().item(); // 54
 */
export class Tensor extends TensorMethods {
  // Private, so that a tensor has no property by which two tensors of one value would differ: see `equality.ts`.
  #handle: number;
  #info: CachedInfo | null = null;
  #owner: Scope | null;
  /** The wrapper that `grad` gave last, so that `x.grad === x.grad`. */
  #grad: Tensor | null = null;

  /** @internal What `structuredClone`, `postMessage`, `v8.serialize` and JSON refuse, with their reason. */
  readonly unclonable = ADVICE;

  /** @internal Use `tensor(…)`. */
  constructor(handle: number, owner: Scope | null = null) {
    super();
    this.#handle = handle;
    this.#owner = owner;
  }

  /** @internal Handle on the native side; 0 once disposed. */
  get handle(): number {
    return this.#handle;
  }

  set handle(value: number) {
    this.#handle = value;
  }

  /** @internal Shape, dtype and device as they were read last; null: to be read again. */
  set cachedInfo(info: null) {
    this.#info = info;
  }

  /** @internal The scope that frees this tensor; null: kept, or made outside every scope. */
  get owner(): Scope | null {
    return this.#owner;
  }

  set owner(scope: Scope | null) {
    this.#owner = scope;
  }

  // ---- what it is

  /** @internal */
  get [TENSOR_MARK](): true {
    return true;
  }

  private get info(): CachedInfo {
    return this.#info ?? this.readInfo();
  }

  private readInfo(): CachedInfo {
    const { shape, dtype, device } = this.native("info", () => native.info(this.handle));
    return (this.#info = { shape: Object.freeze(shape), dtype: dtypeName(dtype), device });
  }

  /** Length of each dimension. */
  get shape(): readonly number[] {
    return this.info.shape;
  }

  /** Element type: `"float32"`, `"int64"`, … */
  get dtype(): DType {
    return this.info.dtype;
  }

  /** `"cpu"`, `"cuda:0"`, … */
  get device(): Device {
    return this.info.device;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.info.shape.length;
  }

  /** True for tensors on a CUDA device. */
  get isCuda(): boolean {
    return this.device.startsWith("cuda");
  }

  /** Number of dimensions. */
  dim(): number {
    return this.ndim;
  }

  /** The shape, or the length of one dimension (negative: counted from the end). */
  size(): readonly number[];
  size(dim: number): number;
  size(dim?: number): readonly number[] | number {
    const { shape } = this;
    if (dim === undefined) return shape;
    const length = shape[dim < 0 ? dim + shape.length : dim];
    if (length === undefined)
      throw new RangeError(`size: expected a dimension in [${-shape.length}, ${shape.length - 1}], got ${dim}`);
    return length;
  }

  /** Number of elements. */
  numel(): number {
    return this.shape.reduce((product, length) => product * length, 1);
  }

  /** Bytes of one element. */
  elementSize(): number {
    return itemSize(this.dtype);
  }

  /** Steps between neighbours along each dimension (or one), in elements. */
  stride(): readonly number[];
  stride(dim: number): number;
  stride(dim?: number): readonly number[] | number {
    const strides = this.native("stride", () => native.strides(this.handle));
    if (dim === undefined) return strides;
    const stride = strides[dim < 0 ? dim + strides.length : dim];
    if (stride === undefined)
      throw new RangeError(`stride: expected a dimension in [${-strides.length}, ${strides.length - 1}], got ${dim}`);
    return stride;
  }

  /** Position of the first element in the storage, in elements. */
  storageOffset(): number {
    return this.native("storageOffset", () => native.storageOffset(this.handle));
  }

  /** True when the elements lie in row-major order without gaps. */
  isContiguous(): boolean {
    return this.native("isContiguous", () => native.isContiguous(this.handle));
  }

  /** True for tensors that inference mode made. */
  isInference(): boolean {
    return this.native("isInference", () => native.isInference(this.handle));
  }

  /** True after `dispose()` or the end of the scope that owned the tensor. */
  get isDisposed(): boolean {
    return this.#handle === 0;
  }

  /** How often the tensor was written in place. */
  get version(): number {
    return this.native("version", () => native.version(this.handle));
  }

  // ---- transposes that are properties in PyTorch

  /** The transpose of a matrix. */
  get T(): Tensor {
    return permuteOperator(
      this,
      this.shape.map((_, index) => this.ndim - 1 - index),
    );
  }

  /** The last two dimensions swapped. */
  get mT(): Tensor {
    return transposeOperator(this, -2, -1);
  }

  /** The last two dimensions swapped, conjugated. */
  get mH(): Tensor {
    return adjointOperator(this);
  }

  /** The transpose of a matrix, conjugated. */
  get H(): Tensor {
    if (this.ndim === 0) return this.conj();
    if (this.ndim !== 2)
      throw new TorchError(`H: expected a matrix, got shape [${this.shape.join(", ")}]; use mH for stacks of matrices`);
    return adjointOperator(this);
  }

  /** Real part of a complex tensor, a view. */
  get real(): Tensor {
    return realOperator(this);
  }

  /** Imaginary part of a complex tensor, a view. */
  get imag(): Tensor {
    return imagOperator(this);
  }

  // ---- reading the data

  /**
   * The only element, as a JavaScript value: a number, a bigint (64-bit integers past 2⁵³), a boolean, or `{ re, im }`.
   *
   * The type says `number`, which is nearly always meant; see {@link itemScalar} for the rest.
   */
  item(): number {
    return this.native("item", () => native.item(this.handle)) as number;
  }

  /** {@link item} with its full type. */
  itemScalar(): number | bigint | boolean | Complex {
    return this.native("item", () => native.item(this.handle));
  }

  /** The elements as nested arrays (a bare value for a 0-dim tensor). 64-bit integers are numbers while they are exact. */
  toArray(): NestedArray {
    return readArray(this);
  }

  /** Python's name for {@link toArray}. */
  tolist(): NestedArray {
    return readArray(this);
  }

  /**
   * A copy of the elements in row-major order, as the TypedArray of the dtype: `BigInt64Array` for int64, `Uint8Array` for
   * bool, pairs (re, im) for complex, `Float32Array` for float16 and bfloat16 (see {@link bytes} for their bits).
   */
  async data(): Promise<TensorData> {
    return Promise.resolve(readTypedArray(this));
  }

  /** {@link data} at once. */
  dataSync(): TensorData {
    return readTypedArray(this);
  }

  /**
   * The tensor's own memory as a TypedArray, without a copy: writes on either side are seen on the other, and the memory lives as
   * long as the array. float16 and bfloat16 come as their bits, bool as bytes.
   *
   * @returns null where there is no such access (not on the CPU, not contiguous, or this Node forbids it): use {@link dataSync}.
   */
  sharedData(): TensorData | null {
    return sharedTypedArray(this);
  }

  /** A copy of the elements' bytes in row-major order, in the dtype's own layout. */
  bytes(): Uint8Array {
    return readBytes(this);
  }

  // ---- indexing

  /**
   * PyTorch's `x[…]`: numbers, `slice(start, stop, step)`, `null` (a new dimension), `"..."`, masks, index tensors and nested arrays.
   *
   * @example
   * x.index(0); x.index(slice(), slice(2, 5)); x.index("...", null); x.index(mask);
   */
  index(...indices: TensorIndex[]): Tensor {
    return indexAt(this, indices);
  }

  /** PyTorch's `x[indices] = value` (or `+=`, with `accumulate`); returns this tensor. */
  indexPut_(
    indices: readonly TensorIndex[],
    value: Tensor | number | bigint | boolean,
    accumulate: boolean | { accumulate?: boolean } = false,
    ...surplus: never[]
  ): this {
    if (isPlainObject(accumulate)) {
      checkOptions("indexPut_", accumulate, { accumulate: flag });
      accumulate = accumulate.accumulate ?? false;
    }
    if (!Array.isArray(indices))
      throw new TypeError(
        `indexPut_: expected an array of indices first, as in indexPut_([0], 5), got ${show(indices)}`,
      );
    checkArgument("indexPut_", "accumulate", accumulate, flag);
    refuseSurplus("indexPut_", surplus);
    assignAt(this, indices, value, accumulate);
    return this;
  }

  /**
   * The parts along the first dimension, views: `for (const row of x)`, `const [a, b] = x`.
   *
   * @throws TorchError for a tensor without dimensions.
   */
  *[Symbol.iterator](): IterableIterator<Tensor> {
    if (this.ndim === 0)
      throw new TorchError("iteration: expected a tensor with a dimension, got one of shape []: item() is its value");
    const length = this.shape[0]!;
    for (let index = 0; index < length; index++) yield this.select(0, index);
  }

  // ---- conversion

  /**
   * The tensor with another dtype or on another device; itself where nothing changes.
   *
   * @example
   * x.to("float64"); x.to("cuda:0"); x.to({ dtype: "bfloat16", copy: true }); x.to(other);
   */
  to(target: DTypeLike | Device | ToOptions | Tensor, options?: ToOptions): Tensor;
  to(target: DTypeLike | Tensor, nonBlocking: boolean, copy?: boolean, options?: ToOptions): Tensor;
  to(device: Device, dtype: DTypeLike | null, nonBlocking?: boolean, copy?: boolean, options?: ToOptions): Tensor;
  to(target: DTypeLike | Device | ToOptions | Tensor, ...given: unknown[]): Tensor {
    const merged: ToOptions = { ...placeOf(target), ...furtherPlace(target, given) };
    const { device, dtype, nonBlocking = false, copy = false, memoryFormat } = merged;
    if (
      !copy &&
      memoryFormat === undefined &&
      (dtype === undefined || dtype === null || dtypeCode(dtype) === dtypeCode(this.dtype)) &&
      (device === undefined || device === null || device === this.device)
    )
      return this;
    return this.native("to", () =>
      wrap(
        native.call(
          (toOperator ||= native.operator("aten::to", "dtype_layout")),
          this.handle,
          dtypeCode(dtype),
          undefined,
          device,
          undefined,
          nonBlocking,
          copy,
          memoryFormatCode(memoryFormat),
        ) as number,
      ),
    );
  }

  /** The tensor on the CPU. */
  cpu(): Tensor {
    return this.to({ device: "cpu" });
  }

  /** The tensor on a CUDA device. */
  cuda(device: number | Device = "cuda"): Tensor {
    return this.to({ device: typeof device === "number" ? `cuda:${device}` : device });
  }

  /**
   * Tells the allocator that a stream uses the tensor: once the tensor has ended, its memory is not reused before the stream has done
   * what it has so far. The stream on which the tensor was made needs no telling.
   *
   * @param stream a `cuda.Stream` of the tensor's device.
   */
  recordStream(stream: { readonly device: string; readonly id: number }): void {
    checkArgument("recordStream", "stream", stream, STREAM);
    this.native("recordStream", () => native.recordStream(this.#handle, stream.device, stream.id));
  }

  /** As float32. */
  float(options: CastOptions = {}): Tensor {
    return this.to("float32", castOptions("float", options));
  }

  /** As float64. */
  double(options: CastOptions = {}): Tensor {
    return this.to("float64", castOptions("double", options));
  }

  /** As float16. */
  half(options: CastOptions = {}): Tensor {
    return this.to("float16", castOptions("half", options));
  }

  /** As bfloat16. */
  bfloat16(options: CastOptions = {}): Tensor {
    return this.to("bfloat16", castOptions("bfloat16", options));
  }

  /** As int32. */
  int(options: CastOptions = {}): Tensor {
    return this.to("int32", castOptions("int", options));
  }

  /** As int64. */
  long(options: CastOptions = {}): Tensor {
    return this.to("int64", castOptions("long", options));
  }

  /** As int16. */
  short(options: CastOptions = {}): Tensor {
    return this.to("int16", castOptions("short", options));
  }

  /** As int8. */
  char(options: CastOptions = {}): Tensor {
    return this.to("int8", castOptions("char", options));
  }

  /** As uint8. */
  byte(options: CastOptions = {}): Tensor {
    return this.to("uint8", castOptions("byte", options));
  }

  /** As complex64. */
  cfloat(options: CastOptions = {}): Tensor {
    return this.to("complex64", castOptions("cfloat", options));
  }

  /** As complex128. */
  cdouble(options: CastOptions = {}): Tensor {
    return this.to("complex128", castOptions("cdouble", options));
  }

  /** As bool. */
  bool(options: CastOptions = {}): Tensor {
    return this.to("bool", castOptions("bool", options));
  }

  /** The distinct values: `[values, inverse, counts]`, see the function `unique`. */
  unique(options: UniqueOptions = {}, ...surplus: never[]): [values: Tensor, inverse: Tensor, counts: Tensor] {
    return unique(this, options, ...surplus);
  }

  /** The values without their repetitions in a row: `[values, inverse, counts]`, see the function `uniqueConsecutive`. */
  uniqueConsecutive(
    returnInverse?: boolean | { returnInverse?: boolean; returnCounts?: boolean; dim?: number | null },
    returnCounts?: boolean,
    dim?: number | null,
  ): [values: Tensor, inverse: Tensor, counts: Tensor] {
    return uniqueConsecutive(this, returnInverse as boolean, returnCounts, dim);
  }

  /** The LU decomposition, see the function `lu`. */
  lu(
    options: LuOptions = {},
    ...surplus: never[]
  ): [LU: Tensor, pivots: Tensor] | [LU: Tensor, pivots: Tensor, info: Tensor] {
    return lu(this, options, ...surplus);
  }

  /** The norm of the elements, or of the vectors along `dim`: see the function `norm`. */
  override norm(...given: NormArguments): Tensor {
    return norm(this, ...given);
  }

  /** Where the elements are not zero, see the function `nonzero`. */
  override nonzero(options: { asTuple: true }): Tensor[];
  override nonzero(options?: { asTuple?: false; out?: Tensor }): Tensor;
  override nonzero(options: { asTuple?: boolean; out?: Tensor } = {}): Tensor | Tensor[] {
    return nonzero(this, options as { asTuple?: false });
  }

  // ---- autograd

  /** Whether operations on the tensor are recorded. */
  get requiresGrad(): boolean {
    return this.native("requiresGrad", () => native.requiresGrad(this.handle));
  }

  set requiresGrad(value: boolean) {
    checkArgument("requiresGrad", "the value", value, flag);
    this.native("requiresGrad", () => native.setRequiresGrad(this.handle, value));
  }

  /** Sets {@link requiresGrad} and returns the tensor. */
  requiresGrad_(value = true, ...surplus: never[]): this {
    refuseSurplus("requiresGrad_", surplus);
    this.requiresGrad = value;
    return this;
  }

  /** True where no recorded operation made the tensor. */
  get isLeaf(): boolean {
    return this.native("isLeaf", () => native.isLeaf(this.handle));
  }

  /** Name of the recorded operation that made the tensor (`"AddBackward0"`), null for leaves. */
  get gradFn(): string | null {
    return this.native("gradFn", () => native.gradFunction(this.handle));
  }

  /** The accumulated gradient, null where there is none. */
  get grad(): Tensor | null {
    const handle = this.native("grad", () => native.grad(this.handle));
    if (handle === 0) return (this.#grad = null);
    const cached = this.#grad;
    if (cached !== null && cached.handle !== 0 && native.storageId(cached.handle) === native.storageId(handle)) {
      native.free(handle);
      return cached;
    }
    return (this.#grad = wrap(handle));
  }

  set grad(gradient: Tensor | null) {
    if (gradient !== null && !(gradient instanceof Tensor))
      throw new TypeError(`grad: expected a tensor or null, got ${show(gradient)}`);
    this.native("grad", () => native.setGrad(this.handle, gradient === null ? 0 : gradient.handle));
    this.#grad = null;
  }

  /**
   * Computes the gradients of the leaves that this tensor depends on and adds them to their `grad`.
   *
   * @param gradient gradient of the result with respect to this tensor; may be left out for one element.
   */
  backward(gradient?: Tensor | null, options: BackwardOptions = {}, ...surplus: never[]): void {
    backward(this, gradient ?? null, options, ...surplus);
  }

  /** Keeps `grad` for a tensor that is not a leaf. */
  retainGrad(): void {
    this.native("retainGrad", () => native.retainGrad(this.handle));
  }

  /** Calls `hook` with the gradient of this tensor whenever it is computed; a tensor that it returns replaces the gradient. */
  registerHook(hook: (gradient: Tensor) => Tensor | null | undefined | void): HookHandle {
    return registerTensorHook(this, hook);
  }

  /** PyTorch's `x.data = other`: takes over the data of `other` and stays the same tensor for autograd and optimizers. */
  setData(other: Tensor): void {
    if (!(other instanceof Tensor)) throw new TypeError(`setData: expected a tensor, got ${show(other)}`);
    this.native("setData", () => native.setData(this.handle, other.handle));
    this.#info = null;
  }

  // ---- life

  /** Frees the tensor now; its storage lives on while views or the recorded graph need it. Twice is harmless. */
  dispose(): void {
    if (this.#handle === 0) return;
    native.free(this.handle);
    this.#handle = 0;
    this.#info = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal A leaf with the same values and gradient, kept where this one is. */
  [DEEPCOPY](copy: CopyInside): Tensor {
    if (!this.isLeaf)
      throw new TorchError(
        "deepcopy: expected tensors without a history (leaves of the graph), got one that operations made: copy x.detach() or x.clone()",
      );
    const result = noGrad(() => this.detach().clone());
    if (this.#owner === null) keep(result);
    if (this.requiresGrad) result.requiresGrad = true;
    if (this.grad !== null) result.grad = copy(this.grad, ".grad");
    return result;
  }

  // ---- printing

  /** PyTorch's text: `tensor([[1., 2.], [3., 4.]])`. */
  override toString(): string {
    return this.#handle === 0 ? "tensor(<disposed>)" : formatTensor(this);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  // ---- what JavaScript's own operations make of it

  /**
   * `${x}` is {@link toString}. Every other conversion is refused, also that of one element: `loss * 2` would go on as a number
   * without gradients, where Python computes a tensor.
   *
   * @throws TypeError that names the methods.
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    const what = hint === "number" ? "an operator of numbers (x * 2, -x, x > 1)" : "an operator (x + 1, x == 1)";
    throw new TypeError(
      `JavaScript's operators take no tensors, but ${what} was given one: write x.add(1), x.sub(1), x.mul(2), x.div(2), x.neg(), ` +
        "x.pow(2), x.eq(1), x.gt(1), x.lt(1); x.item() is the number of a tensor of one element, `${x}` its text",
    );
  }

  /**
   * What `JSON.stringify` writes: the elements as nested arrays, as {@link toArray} gives them. Printers of test frameworks call this
   * without a key, and get the text.
   *
   * @throws TypeError for elements that JSON would change: NaN and infinities, integers beyond 2⁵³.
   */
  toJSON(key?: string): NestedArray | string {
    return key === undefined ? this[TEXT] : readJson(this, key);
  }

  /** @internal The text by which test frameworks print the tensor. */
  get [TEXT](): string {
    return valueText(this);
  }

  /** Tells the value, since test frameworks compare it: see `equality.ts`. */
  get [Symbol.toStringTag](): string {
    // Jest prints a copy without private fields, which carries the text of the original.
    return #handle in this ? valueTag(this) : "Tensor";
  }

  private native<T>(name: string, body: () => T): T {
    if (this.#handle === 0) throw new DisposedError(name);
    return guard(name, body);
  }
}

// prettier-ignore
limitArguments(Tensor.prototype, {
  dim: 0, size: 1, numel: 0, elementSize: 0, stride: 1, storageOffset: 0, isContiguous: 0, isInference: 0,
  item: 0, itemScalar: 0, toArray: 0, tolist: 0, data: 0, dataSync: 0, sharedData: 0, bytes: 0,
  cpu: 0, cuda: 1, float: 1, double: 1, half: 1, bfloat16: 1, int: 1, long: 1, short: 1, char: 1, byte: 1, cfloat: 1, cdouble: 1, bool: 1,
  nonzero: 1, recordStream: 1, retainGrad: 0, registerHook: 1, setData: 1, dispose: 0,
});
refuseForeignNames([Tensor.prototype, TensorMethods.prototype], [TEXT], ["T", "mT", "H", "mH", "real", "imag", "grad"]);
registerEquality((value): value is Tensor => value instanceof Tensor);

let toOperator = 0;

/** What the arguments of `to` behind the first ask for. */
function furtherPlace(target: unknown, given: readonly unknown[]): ToOptions {
  if (given.length <= 1 && (given[0] === undefined || isPlainObject(given[0]))) {
    checkOptions("to", given[0], TO); // the usual call
    return given[0] ?? {};
  }
  const { nonBlocking, copy, memoryFormat, device, dtype } = TO;
  // behind a device stands a dtype
  const order =
    typeof target === "string" && !isDType(target) && typeof given[0] !== "boolean"
      ? { dtype, nonBlocking, copy, memoryFormat, device }
      : { nonBlocking, copy, memoryFormat, device, dtype };
  return byPositionOrName<ToOptions>("to", order, given);
}

/** What the first argument of `to` asks for. */
const DEVICE = /^(cpu|cuda|meta)(:\d+)?$/;

function placeOf(target: unknown): ToOptions {
  if (target instanceof Tensor) return { dtype: target.dtype, device: target.device };
  if (isDType(target)) return { dtype: target };
  // what is surely a device is not compared with the names of dtypes, which takes longer than the call
  if (typeof target === "string" && (DEVICE.test(target) || nearDType(target) === "")) return { device: target };
  if (!isPlainObject(target))
    throw new TypeError(
      `to: expected a dtype, a device, a tensor or options { ${Object.keys(TO).join(", ")} }, got ${show(target)}${nearDType(target)}`,
    );
  checkOptions("to", target, TO);
  return target;
}
