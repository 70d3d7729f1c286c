/**
 * Writes values as a pickle of protocol 2, with the opcodes and names that PyTorch's `weights_only` loader takes. Objects
 * and strings that come twice are written once (memo), so shared and even circular containers survive.
 */
import { itemSize, type DType } from "../../dtype";
import { Parameter } from "../../nn/parameter";
import { Tensor } from "../../tensor";
import { CheckpointError } from "../errors";
import {
  ComplexNumber,
  Float,
  OrderedDict,
  Size,
  TorchDevice,
  TorchDType,
  Tuple,
  isFloatEntry,
  isFloatKey,
  isPlainObject,
  looksLikeInt,
} from "../python-values";
import { STORAGE_TYPES } from "./globals";
import { MAX_DEPTH } from "./materialize";
import { Op } from "./opcodes";

/** A storage as the pickle names it. */
export interface StorageReference {
  /** Name of the record: `data/<key>`. */
  readonly key: string;
  readonly byteLength: number;
  readonly location: string;
}

/** What the writer asks about a tensor; the answers come from `tensors.ts`. */
export interface TensorParts {
  readonly dtype: DType;
  readonly storage: StorageReference;
  /** In elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly requiresGrad: boolean;
}

const STORAGE_NAMES: ReadonlyMap<DType, string> = new Map(
  Object.entries(STORAGE_TYPES).map(([name, dtype]) => [dtype, name]),
);

/** True if PyTorch has a typed storage class for the dtype; others lie in untyped storages. */
export function hasTypedStorage(dtype: DType): boolean {
  return STORAGE_NAMES.has(dtype);
}

/** Items of one APPENDS or SETITEMS, as in CPython. */
const BATCH = 1000;
const MAX_INT_BYTES = 255;

/**
 * The pickle of a value.
 *
 * @param describeTensor where a tensor's data lies; called once per tensor object.
 * @throws CheckpointError naming the path to a value that a checkpoint cannot hold.
 */
export function pickle(value: unknown, describeTensor: (tensor: Tensor) => TensorParts): Uint8Array {
  return new Pickler(describeTensor).dump(value);
}

class Pickler {
  private buffer = Buffer.allocUnsafe(4096);
  private length = 0;
  private memoLength = 0;
  private readonly objects = new Map<object, number>();
  private readonly strings = new Map<string, number>();
  private readonly globals = new Map<string, number>();
  /** Keys from the root to the value at hand, for error messages. */
  private readonly path: unknown[] = [];

  constructor(private readonly describeTensor: (tensor: Tensor) => TensorParts) {}

  dump(value: unknown): Uint8Array {
    this.ops(Op.PROTO, 2);
    this.value(value, false);
    this.ops(Op.STOP);
    return this.buffer.subarray(0, this.length);
  }

  /** @param isFloat an integral number is a Python float here. */
  private value(value: unknown, isFloat: boolean): void {
    switch (typeof value) {
      case "boolean":
        return this.ops(value ? Op.NEWTRUE : Op.NEWFALSE);
      case "number":
        return looksLikeInt(value) && !isFloat ? this.int(value) : this.float(value);
      case "bigint":
        return this.bigint(value);
      case "string":
        return this.string(value);
      case "object":
        return value === null ? this.ops(Op.NONE) : this.object(value);
      default:
        throw this.refuse(typeof value);
    }
  }

  private object(value: object): void {
    if (value instanceof Float) return this.float(value.value);
    const known = this.objects.get(value);
    if (known !== undefined) return this.recall(known);
    if (this.path.length > MAX_DEPTH)
      throw new CheckpointError(
        `expected values nested at most ${MAX_DEPTH} deep, got deeper ones (or a tuple that contains itself)`,
      );
    if (value instanceof Tensor) this.tensor(value);
    else if (value instanceof Tuple) this.tuple(value);
    else if (Array.isArray(value)) this.list(value);
    else if (value instanceof Map) this.dict(value, value.entries());
    else if (value instanceof Set) this.set(value);
    else if (value instanceof Uint8Array) this.bytes(value);
    else if (value instanceof ComplexNumber) this.complex(value);
    else if (value instanceof TorchDType) this.global("torch", value.name);
    else if (value instanceof TorchDevice) this.device(value);
    else if (isPlainObject(value)) this.dict(value, Object.entries(value));
    else throw this.refuse(value.constructor?.name ?? "an object");
  }

  // ---- plain values

  private int(value: number): void {
    if (value >= 0 && value <= 0xff) return this.ops(Op.BININT1, value);
    if (value >= 0 && value <= 0xffff) return this.ops(Op.BININT2, value & 0xff, value >> 8);
    if (value < -0x80000000 || value > 0x7fffffff) return this.bigint(BigInt(value));
    this.ops(Op.BININT);
    this.reserve(4);
    this.length = this.buffer.writeInt32LE(value, this.length);
  }

  private bigint(value: bigint): void {
    let bytes = 1;
    while (BigInt.asIntN(8 * bytes, value) !== value) {
      if (++bytes > MAX_INT_BYTES)
        throw new CheckpointError(
          `${this.where()}: expected an int of at most ${MAX_INT_BYTES} bytes, got a longer one`,
        );
    }
    this.ops(Op.LONG1, bytes);
    for (let i = 0; i < bytes; i++) this.ops(Number((value >> BigInt(8 * i)) & 0xffn));
  }

  private float(value: number): void {
    this.ops(Op.BINFLOAT);
    this.reserve(8);
    this.length = this.buffer.writeDoubleBE(value, this.length);
  }

  private string(value: string): void {
    const known = this.strings.get(value);
    if (known !== undefined) return this.recall(known);
    if (!isWellFormed(value))
      throw new CheckpointError(`${this.where()}: expected text, got a string with half a surrogate pair`);
    this.ops(Op.BINUNICODE);
    const bytes = Buffer.byteLength(value, "utf8");
    this.reserve(4 + bytes);
    this.length = this.buffer.writeUInt32LE(bytes, this.length);
    this.length += this.buffer.write(value, this.length, "utf8");
    this.strings.set(value, this.memoize());
  }

  // ---- containers

  private list(list: readonly unknown[]): void {
    this.ops(Op.EMPTY_LIST);
    this.objects.set(list, this.memoize());
    this.append(list, list.keys());
  }

  /** @param keys what {@link isFloatEntry} knows the entries of `container` by. */
  private append(container: Iterable<unknown> & object, keys: Iterator<unknown>): void {
    let open = 0;
    for (const item of container) {
      if (open === 0) this.ops(Op.MARK);
      this.entry(container, keys.next().value, item);
      if (++open === BATCH) {
        this.ops(Op.APPENDS);
        open = 0;
      }
    }
    if (open > 0) this.ops(Op.APPENDS);
  }

  private tuple(tuple: Tuple): void {
    if (tuple instanceof Size) this.global("torch", "Size");
    const sizes = [Op.EMPTY_TUPLE, Op.TUPLE1, Op.TUPLE2, Op.TUPLE3];
    if (tuple.length >= sizes.length) this.ops(Op.MARK);
    tuple.forEach((item, i) => this.entry(tuple, i, item));
    this.ops(sizes[tuple.length] ?? Op.TUPLE);
    if (tuple instanceof Size) this.ops(Op.TUPLE1, Op.REDUCE);
    this.objects.set(tuple, this.memoize());
  }

  /** There is no set in protocol 2: `set([…])`. */
  private set(set: ReadonlySet<unknown>): void {
    this.global("__builtin__", "set");
    this.ops(Op.EMPTY_LIST);
    for (const item of set) this.checkKey(item);
    this.append(set, set.keys());
    this.ops(Op.TUPLE1, Op.REDUCE);
    this.objects.set(set, this.memoize());
  }

  private dict(dict: object, entries: Iterable<[unknown, unknown]>): void {
    if (dict instanceof OrderedDict) this.emptyOrderedDict();
    else this.ops(Op.EMPTY_DICT);
    this.objects.set(dict, this.memoize());
    let open = 0;
    for (const [key, item] of entries) {
      if (open === 0) this.ops(Op.MARK);
      this.checkKey(key);
      this.value(key, isFloatKey(dict, key));
      this.entry(dict, key, item);
      if (++open === BATCH) {
        this.ops(Op.SETITEMS);
        open = 0;
      }
    }
    if (open > 0) this.ops(Op.SETITEMS);
    if (dict instanceof OrderedDict && Object.keys(dict.attributes).length > 0) {
      this.entry(dict, "(attributes)", dict.attributes);
      this.ops(Op.BUILD);
    }
  }

  private emptyOrderedDict(): void {
    this.global("collections", "OrderedDict");
    this.ops(Op.EMPTY_TUPLE, Op.REDUCE);
  }

  private entry(container: object, key: unknown, item: unknown): void {
    this.path.push(key);
    this.value(item, isFloatEntry(container, key));
    this.path.pop();
  }

  private checkKey(key: unknown): void {
    const hashable =
      typeof key !== "object" ||
      key === null ||
      key instanceof Tuple ||
      key instanceof Float ||
      key instanceof Uint8Array;
    if (!hashable)
      throw new CheckpointError(
        `${this.where()}: expected a key that Python can hash (a string, number, boolean, null or tuple), got ${nameOf(key)}`,
      );
  }

  // ---- objects

  /** There are no bytes in protocol 2: `_codecs.encode(text, "latin1")`. */
  private bytes(bytes: Uint8Array): void {
    this.global("_codecs", "encode");
    this.string(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
    this.string("latin1");
    this.ops(Op.TUPLE2, Op.REDUCE);
    this.objects.set(bytes, this.memoize());
  }

  private complex({ re, im }: ComplexNumber): void {
    this.global("__builtin__", "complex");
    this.float(re);
    this.float(im);
    this.ops(Op.TUPLE2, Op.REDUCE);
  }

  private device({ name }: TorchDevice): void {
    const [type = name, index] = name.split(":");
    this.global("torch", "device");
    this.string(type);
    if (index !== undefined) this.int(Number(index));
    this.ops(index === undefined ? Op.TUPLE1 : Op.TUPLE2, Op.REDUCE);
  }

  private tensor(tensor: Tensor): void {
    let parts: TensorParts;
    try {
      parts = this.describeTensor(tensor);
    } catch (error) {
      throw new CheckpointError(`${this.where()}: ${(error as Error).message}`, { cause: error });
    }
    if (tensor instanceof Parameter) {
      this.global("torch._utils", "_rebuild_parameter");
      this.rebuildTensor({ ...parts, requiresGrad: false });
      this.ops(parts.requiresGrad ? Op.NEWTRUE : Op.NEWFALSE);
      this.emptyOrderedDict(); // no hooks
      this.ops(Op.TUPLE3, Op.REDUCE);
    } else {
      this.rebuildTensor(parts);
    }
    this.objects.set(tensor, this.memoize());
  }

  private rebuildTensor({ dtype, storage, offset, shape, strides, requiresGrad }: TensorParts): void {
    const storageName = STORAGE_NAMES.get(dtype);
    this.global("torch._utils", storageName === undefined ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    this.ops(Op.MARK, Op.MARK);
    this.string("storage");
    if (storageName === undefined) this.global("torch.storage", "UntypedStorage");
    else this.global("torch", storageName);
    this.string(storage.key);
    this.string(storage.location);
    this.int(storageName === undefined ? storage.byteLength : storage.byteLength / itemSize(dtype));
    this.ops(Op.TUPLE, Op.BINPERSID);
    this.int(offset);
    this.ints(shape);
    this.ints(strides);
    this.ops(requiresGrad ? Op.NEWTRUE : Op.NEWFALSE);
    this.emptyOrderedDict(); // no hooks
    if (storageName === undefined) this.global("torch", dtype);
    this.ops(Op.TUPLE, Op.REDUCE);
  }

  private ints(values: readonly number[]): void {
    this.ops(Op.MARK);
    for (const value of values) this.int(value);
    this.ops(Op.TUPLE);
  }

  private global(module: string, name: string): void {
    const path = `${module}\n${name}\n`;
    const known = this.globals.get(path);
    if (known !== undefined) return this.recall(known);
    this.ops(Op.GLOBAL);
    this.reserve(path.length);
    this.length += this.buffer.write(path, this.length, "latin1");
    this.globals.set(path, this.memoize());
  }

  // ---- memo and bytes

  private memoize(): number {
    const index = this.memoLength++;
    this.indexed(Op.BINPUT, Op.LONG_BINPUT, index);
    return index;
  }

  private recall(index: number): void {
    this.indexed(Op.BINGET, Op.LONG_BINGET, index);
  }

  private indexed(short: number, long: number, index: number): void {
    if (index <= 0xff) return this.ops(short, index);
    this.ops(long);
    this.reserve(4);
    this.length = this.buffer.writeUInt32LE(index, this.length);
  }

  private ops(...bytes: number[]): void {
    this.reserve(bytes.length);
    for (const byte of bytes) this.buffer[this.length++] = byte;
  }

  /** Makes room for `count` bytes; `buffer` may be another one afterwards. */
  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.buffer.length));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
  }

  // ---- errors

  private where(): string {
    return this.path.length === 0
      ? "save"
      : `save: ${this.path.map((key) => (typeof key === "string" ? key : nameOf(key))).join(" → ")}`;
  }

  private refuse(got: string): CheckpointError {
    return new CheckpointError(
      `${this.where()}: expected plain data (null, booleans, numbers, strings, arrays, objects, Maps, Sets, Uint8Array) and tensors, got ${got}`,
    );
  }
}

function nameOf(value: unknown): string {
  if (typeof value === "object" && value !== null) return value.constructor?.name ?? "an object";
  return String(value);
}

/** `String.prototype.isWellFormed` is in Node 20, but not yet in the library types of ES2023. */
function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}
