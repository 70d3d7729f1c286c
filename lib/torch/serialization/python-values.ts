/**
 * Python values that JavaScript has no twin of. What `save` and `load` make of the rest:
 *
 * | Python | JavaScript |
 * |---|---|
 * | `None`, `bool`, `str` | `null`, boolean, string |
 * | `int` | number while it is exact (up to 2^53 − 1), else bigint; a bigint is always an `int` |
 * | `float` | number. A number that is not a safe integer (0.5, 1e300, NaN, −0) is a `float`; an integral one is an `int` unless it is wrapped in {@link Float} or stands where `load` found a `float` (see {@link isFloatEntry}) |
 * | `dict` | plain object when all keys are strings (and JavaScript keeps their order), else `Map`; both are written as `dict` |
 * | `OrderedDict`, `Counter` | {@link OrderedDict}, {@link Counter}, both a `Map` |
 * | `list`, `tuple`, `torch.Size` | array, {@link Tuple}, {@link Size} |
 * | `set` | `Set` |
 * | `bytes`, `bytearray` | `Uint8Array`, {@link ByteArray} |
 * | `complex` | {@link ComplexNumber} |
 * | `torch.Tensor`, `nn.Parameter` | `Tensor`, `nn.Parameter`; attributes that Python code gave them: {@link attributesOf} |
 * | a bare storage | {@link TypedStorage} |
 * | `torch.dtype`, `torch.device`, `torch.layout`, `torch.qscheme` | {@link TorchDType}, {@link TorchDevice}, {@link TorchLayout}, {@link TorchQScheme} |
 */
import type { Complex, DType, Layout } from "../dtype";
import type { Tensor } from "../tensor";

/** A number that is written as a Python `float` even when it is integral: `save({ lr: new Float(1) }, path)`. */
export class Float {
  constructor(readonly value: number) {}

  valueOf(): number {
    return this.value;
  }

  toJSON(): number {
    return this.value;
  }
}

/** A Python tuple: an array that `save` writes as `tuple`. Arrays derived from it (`map`, `slice`) are lists again. */
export class Tuple<T = unknown> extends Array<T> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** Makes a {@link Tuple}: `betas: tuple(0.9, 0.999)`. */
export function tuple<T extends readonly unknown[]>(...items: T): Tuple<T[number]> {
  return tupleFrom(items);
}

/** A tuple of the entries of an array; `new Tuple(3)` would, as with arrays, be three holes. */
export function tupleFrom<T>(items: readonly T[], kind: typeof Tuple = Tuple): Tuple<T> {
  const result = new kind<T>();
  for (const item of items) result.push(item);
  return result;
}

/** `torch.Size`. */
export class Size extends Tuple<number> {}

/** `collections.OrderedDict`. State dicts carry the versions of their modules in `attributes._metadata`. */
export class OrderedDict<K = unknown, V = unknown> extends Map<K, V> {
  /** Instance attributes that Python stores with the dict; of `state_dict()` only `_metadata`. Not enumerable. */
  declare attributes: Record<string, unknown>;

  constructor(entries?: Iterable<readonly [K, V]> | null) {
    super(entries);
    Object.defineProperty(this, "attributes", { value: {}, enumerable: false, writable: true });
  }
}

/** `collections.Counter`: how often each key was counted. */
export class Counter<K = unknown> extends Map<K, number> {}

/** A Python `bytearray`; a plain `Uint8Array` is written as `bytes`. */
export class ByteArray extends Uint8Array {}

/** A Python `complex`. */
export class ComplexNumber implements Complex {
  constructor(
    readonly re: number,
    readonly im: number,
  ) {}
}

/** A `torch.dtype` as a value of its own. */
export class TorchDType {
  constructor(readonly name: DType) {}
}

/** A `torch.device` as a value of its own: `"cpu"`, `"cuda:0"`. */
export class TorchDevice {
  constructor(readonly name: string) {}
}

/** A `torch.layout` as a value of its own: `"strided"`. */
export class TorchLayout {
  constructor(readonly name: Layout) {}
}

/** How quantized values become numbers. */
export type QScheme =
  | "per_tensor_affine"
  | "per_channel_affine"
  | "per_tensor_symmetric"
  | "per_channel_symmetric"
  | "per_channel_affine_float_qparams";

/** A `torch.qscheme` as a value of its own. */
export class TorchQScheme {
  constructor(readonly name: QScheme) {}
}

/** A `torch.storage.TypedStorage`: the memory of tensors without a shape. PyTorch's untyped ones are typed `uint8`. */
export class TypedStorage {
  /** @param data all elements, 1-dimensional; tensors of the same file that lie in the storage share its memory. */
  constructor(readonly data: Tensor) {}

  get dtype(): DType {
    return this.data.dtype;
  }
}

const tensorAttributes = new WeakMap<Tensor, object>();

/**
 * The Python attributes of a loaded tensor or parameter (`p.my_flag = True`), as `load` found them: a dict, or what else
 * its class stored. `save` writes them again with the same tensor object.
 */
export function attributesOf(tensor: Tensor): object | undefined {
  return tensorAttributes.get(tensor);
}

/** Gives a tensor the Python attributes that `save` writes with it. */
export function setAttributes(tensor: Tensor, attributes: object): void {
  tensorAttributes.set(tensor, attributes);
}

/** Per loaded container: the keys (object, map), indices (array) or values (set) that stand for integral Python floats. */
const floatEntries = new WeakMap<object, Set<unknown>>();

/** Per loaded dict: the integral keys that were Python floats. */
const floatKeys = new WeakMap<object, Set<unknown>>();

/**
 * True if the entry of a loaded container was a Python `float` with an integral value. JavaScript has one type of number,
 * so `load` gives plain numbers and remembers here which of them must be written as floats again.
 *
 * @param key key of an object or map, index of an array or tuple, the value itself of a set.
 */
export function isFloatEntry(container: object, key: unknown): boolean {
  return floatEntries.get(container)?.has(key) ?? false;
}

/** True if a key of a loaded dict was a Python `float`. */
export function isFloatKey(container: object, key: unknown): boolean {
  return floatKeys.get(container)?.has(key) ?? false;
}

/**
 * Makes an entry of an object, array, map or set a Python float, whatever number it holds when it is saved. The mark
 * belongs to the container: a copy of it (`{ ...loaded }`) has none.
 *
 * @param key as for {@link isFloatEntry}.
 */
export function markFloatEntry(container: object, key: unknown): void {
  mark(floatEntries, container, key);
}

/** Remembers what {@link isFloatKey} tells. */
export function markFloatKey(container: object, key: unknown): void {
  mark(floatKeys, container, key);
}

/**
 * A deep copy of a loaded value that remembers the same floats; tensors and other objects are not copied.
 *
 * @internal
 */
export function copyValue(value: unknown, done = new Map<object, unknown>()): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (done.has(value)) return done.get(value);
  const entry = (copy: object, key: unknown, item: unknown): unknown => {
    if (isFloatEntry(value, key)) markFloatEntry(copy, key);
    return copyValue(item, done);
  };
  if (Array.isArray(value)) {
    const copy = new (value.constructor as new () => unknown[])();
    done.set(value, copy);
    for (const [i, item] of value.entries()) copy.push(entry(copy, i, item));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new (value.constructor as new () => Map<unknown, unknown>)();
    done.set(value, copy);
    for (const [key, item] of value as Map<unknown, unknown>) {
      if (isFloatKey(value, key)) markFloatKey(copy, key);
      copy.set(key, entry(copy, key, item));
    }
    if (value instanceof OrderedDict) (copy as OrderedDict).attributes = value.attributes;
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set<unknown>();
    done.set(value, copy);
    for (const item of value as Set<unknown>) copy.add(entry(copy, item, item));
    return copy;
  }
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {};
  done.set(value, copy);
  for (const [key, item] of Object.entries(value)) copy[key] = entry(copy, key, item);
  return copy;
}

function mark(marks: WeakMap<object, Set<unknown>>, container: object, key: unknown): void {
  const keys = marks.get(container);
  if (keys === undefined) marks.set(container, new Set([key]));
  else keys.add(key);
}

/** True for a number that needs a mark or a {@link Float} to stay a Python float. */
export function looksLikeInt(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/**
 * A loaded dict as a `Map`, whichever form it has: `load` gives a plain object for a dict of string keys, a `Map` for any
 * other, and an empty dict tells nothing about its keys.
 *
 * @throws TypeError when `value` is neither.
 */
export function toMap<V = unknown>(value: unknown): Map<unknown, V> {
  if (value instanceof Map) return value as Map<unknown, V>;
  if (isPlainObject(value)) return new Map(Object.entries(value)) as Map<unknown, V>;
  throw new TypeError(`expected a dict (an object or a Map), got ${value === null ? "null" : typeof value}`);
}

/** True for `{…}`: an object without a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // an object of another realm (a jest sandbox, a vm context) has another Object.prototype
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
