/**
 * Writes values as a pickle of protocol 2, with the opcodes and names that PyTorch's `weights_only` loader takes. Objects
 * and strings that come twice are written once (memo), so shared and even circular containers survive.
 */
import { types } from "node:util";
import { Tensor } from "../../tensor";
import { CheckpointError } from "../errors";
import {
  ByteArray,
  ComplexNumber,
  Counter,
  Float,
  OrderedDict,
  Size,
  TorchDevice,
  TorchDType,
  TorchLayout,
  TorchQScheme,
  Tuple,
  TypedStorage,
  isFloatEntry,
  isFloatKey,
  isPlainObject,
  looksLikeInt,
} from "../python-values";
import { MAX_DEPTH } from "./materialize";
import { Op } from "./opcodes";
import { Global, PersistentId, Reduce } from "./reduce";
import { encodeText } from "./text";

/** What the writer asks about tensors; the answers come from `storage-collector.ts`. */
export interface Describe {
  /** How Python rebuilds the tensor; called once per tensor object. */
  tensor(tensor: Tensor): Reduce;
  /** The storage that a 1-D tensor covers. */
  storage(data: Tensor): PersistentId;
}

/** Items of one APPENDS or SETITEMS, as in CPython. */
const BATCH = 1000;
const MAX_INT_BYTES = 255;

/**
 * The pickle of a value.
 *
 * @throws CheckpointError naming the path to a value that a checkpoint cannot hold.
 */
export function pickle(value: unknown, describe: Describe): Uint8Array {
  return new Pickler(describe).dump(value);
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

  constructor(private readonly describe: Describe) {}

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
    if (value instanceof Tensor)
      this.memoized(
        value,
        this.described(() => this.describe.tensor(value)),
      );
    else if (value instanceof TypedStorage) this.persistent(this.described(() => this.describe.storage(value.data)));
    else if (value instanceof Reduce) this.reduce(value);
    else if (value instanceof Global) this.global(value);
    else if (value instanceof PersistentId) this.persistent(value);
    else if (value instanceof Tuple) this.tuple(value);
    else if (Array.isArray(value)) this.list(value);
    else if (value instanceof Counter) this.counter(value);
    else if (types.isMap(value)) this.dict(value, value.entries());
    else if (types.isSet(value)) this.set(value);
    else if (types.isUint8Array(value)) this.memoized(value, bytesOf(value));
    else if (value instanceof ComplexNumber) this.reduce(complexOf(value));
    else if (value instanceof TorchDType || value instanceof TorchQScheme) this.global(new Global("torch", value.name));
    else if (value instanceof TorchLayout) this.reduce(layoutOf(value));
    else if (value instanceof TorchDevice) this.reduce(deviceOf(value));
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
    const bytes = encodeText(value);
    this.ops(Op.BINUNICODE);
    this.reserve(4 + bytes.length);
    this.length = this.buffer.writeUInt32LE(bytes.length, this.length);
    this.length += bytes.copy(this.buffer, this.length);
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
    if (tuple instanceof Size) this.global(new Global("torch", "Size"));
    this.items(tuple, (item, i) => this.entry(tuple, i, item));
    if (tuple instanceof Size) this.ops(Op.TUPLE1, Op.REDUCE);
    this.objects.set(tuple, this.memoize());
  }

  private items(items: readonly unknown[], write: (item: unknown, index: number) => void): void {
    const sizes = [Op.EMPTY_TUPLE, Op.TUPLE1, Op.TUPLE2, Op.TUPLE3];
    if (items.length >= sizes.length) this.ops(Op.MARK);
    items.forEach(write);
    this.ops(sizes[items.length] ?? Op.TUPLE);
  }

  /** There is no set in protocol 2: `set([…])`. */
  private set(set: ReadonlySet<unknown>): void {
    this.global(new Global("__builtin__", "set"));
    this.ops(Op.EMPTY_LIST);
    for (const item of set) this.checkKey(item);
    this.append(set, set.keys());
    this.ops(Op.TUPLE1, Op.REDUCE);
    this.objects.set(set, this.memoize());
  }

  private dict(dict: object, entries: Iterable<[unknown, unknown]>): void {
    if (dict instanceof OrderedDict) this.reduce(EMPTY_ORDERED_DICT);
    else this.ops(Op.EMPTY_DICT);
    this.objects.set(dict, this.memoize());
    this.setItems(dict, entries);
    if (dict instanceof OrderedDict && Object.keys(dict.attributes).length > 0) {
      this.entry(dict, "(attributes)", dict.attributes);
      this.ops(Op.BUILD);
    }
  }

  /** `Counter({…})`. */
  private counter(counter: Counter): void {
    this.global(new Global("collections", "Counter"));
    this.ops(Op.EMPTY_DICT);
    this.setItems(counter, counter.entries());
    this.ops(Op.TUPLE1, Op.REDUCE);
    this.objects.set(counter, this.memoize());
  }

  private setItems(dict: object, entries: Iterable<[unknown, unknown]>): void {
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
      types.isUint8Array(key);
    if (!hashable)
      throw new CheckpointError(
        `${this.where()}: expected a key that Python can hash (a string, number, boolean, null or tuple), got ${nameOf(key)}`,
      );
  }

  // ---- objects

  private described<T>(describe: () => T): T {
    try {
      return describe();
    } catch (error) {
      throw new CheckpointError(`${this.where()}: ${(error as Error).message}`, { cause: error });
    }
  }

  private memoized(object: object, description: Reduce): void {
    this.reduce(description);
    this.objects.set(object, this.memoize());
  }

  private reduce({ callee, args }: Reduce): void {
    this.global(callee);
    this.items(args, (argument) => this.value(argument, false));
    this.ops(Op.REDUCE);
  }

  private persistent({ id }: PersistentId): void {
    this.items(id, (part) => this.value(part, false));
    this.ops(Op.BINPERSID);
  }

  private global({ module, name }: Global): void {
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

const EMPTY_ORDERED_DICT = new Reduce(new Global("collections", "OrderedDict"), []);

/** There are no bytes in protocol 2: `_codecs.encode(text, "latin1")`. */
function bytesOf(bytes: Uint8Array): Reduce {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return bytes instanceof ByteArray
    ? new Reduce(new Global("__builtin__", "bytearray"), [text, "latin-1"])
    : new Reduce(new Global("_codecs", "encode"), [text, "latin1"]);
}

function complexOf({ re, im }: ComplexNumber): Reduce {
  return new Reduce(new Global("__builtin__", "complex"), [new Float(re), new Float(im)]);
}

function deviceOf({ name }: TorchDevice): Reduce {
  const [type = name, index] = name.split(":");
  return new Reduce(new Global("torch", "device"), index === undefined ? [type] : [type, Number(index)]);
}

function layoutOf({ name }: TorchLayout): Reduce {
  return new Reduce(new Global("torch.serialization", "_get_layout"), [
    `torch.${name === "mkldnn" ? "_mkldnn" : name}`,
  ]);
}
