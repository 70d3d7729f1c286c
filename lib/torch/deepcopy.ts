/** Copies of values with everything inside: Python's `copy.deepcopy`. */
import { types } from "node:util";
import { callable, isPlainObject, refuseSurplus, show } from "./arguments";
import { TorchError } from "./errors";

/** Copies a value that belongs to the copied one, under its name there; the same value gives the same copy. */
export type CopyInside = <T>(value: T, name: string) => T;

/** @internal How an object copies itself: `made` takes the copy before its parts are copied, so that circles end. */
export const DEEPCOPY = Symbol("deepcopy");

/** @internal An object with a way of its own to be copied. */
export interface Copyable {
  [DEEPCOPY](copy: CopyInside, made: (copy: object) => void): object;
}

/**
 * A copy of a value and of everything inside: modules, tensors, arrays, maps, sets, objects. What is held twice is one object in the
 * copy too, so shared parameters stay shared. As Python's `copy.deepcopy` does it:
 *
 * - a parameter is copied with its values and `requiresGrad`, without its gradient; another leaf tensor with its gradient;
 * - hooks stay registered, as the same functions;
 * - functions and symbols are not copied.
 *
 * An object of a class with a method `deepcopy()` is copied by it.
 *
 * @throws TorchError for a tensor that operations made (copy `x.detach()`), and, with its place, for an object that cannot be copied
 *   (a class with `#private` members, which no one else can read).
 * @example
 * const teacher = deepcopy(student).requiresGrad_(false);
 */
export function deepcopy<T>(value: T, ...surplus: never[]): T {
  refuseSurplus("deepcopy", surplus);
  const known = new Map<object, object>();
  const path: string[] = [];

  function copy<V>(given: V, name: string): V {
    if (typeof given !== "object" || given === null) return given;
    const before = known.get(given);
    if (before !== undefined) return before as V;
    path.push(name);
    const made = (result: object): void => void known.set(given, result);
    const result = copyObject(given, made);
    made(result);
    path.pop();
    return result as V;
  }

  function copyObject(given: object, made: (result: object) => void): object {
    const own = "deepcopy" in given ? given.deepcopy : undefined;
    if (callable.accepts(own)) return (own as () => object).call(given);
    if (DEEPCOPY in given) return (given as Copyable)[DEEPCOPY](copy, made);
    if (Array.isArray(given)) return copyArray(given as unknown[], made, copy);
    if (types.isMap(given)) {
      const result = new (given.constructor as MapConstructor)();
      made(result);
      for (const [key, entry] of given) result.set(copy(key, ".key"), copy(entry, `.get(${show(key)})`));
      copyProperties(given, result, copy);
      return result;
    }
    if (types.isSet(given)) {
      const result = new (given.constructor as SetConstructor)();
      made(result);
      for (const entry of given) result.add(copy(entry, ".entry"));
      return result;
    }
    if (isBuiltIn(given)) return structuredClone(given);
    if (!isPlainObject(given)) {
      if (isBound(given))
        throw new TorchError(`deepcopy: expected values that can be copied${placed(path)}, got ${show(given)}`);
      refuseUncopyable(given, placed(path));
    }
    const result = Object.create(Object.getPrototypeOf(given) as object) as object;
    made(result);
    copyProperties(given, result, copy);
    return result;
  }

  return copy(value, "");
}

function copyArray(given: readonly unknown[], made: (result: object) => void, copy: CopyInside): unknown[] {
  const result = new Array<unknown>(given.length);
  const prototype = Object.getPrototypeOf(given) as object;
  if (prototype !== Array.prototype) Object.setPrototypeOf(result, prototype);
  made(result);
  given.forEach((entry, i) => (result[i] = copy(entry, `[${i}]`)));
  return result;
}

/** Numbers without a class of ours: dates, regular expressions, buffers and views of them. */
function isBuiltIn(value: object): boolean {
  return types.isDate(value) || types.isRegExp(value) || types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value);
}

/** Objects that stand for something outside of them. */
function isBound(value: object): boolean {
  return (
    "unclonable" in value ||
    types.isProxy(value) ||
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value)
  );
}

/** ` at blocks.0.config`, or nothing for the value itself. */
function placed(path: readonly string[]): string {
  const joined = path.join("").replace(/^\./, "");
  return joined === "" ? "" : ` at ${joined}`;
}

/** @internal Gives `target` copies of the own properties of `source`, except those `without`; accessors stay accessors. */
export function copyProperties(
  source: object,
  target: object,
  copy: CopyInside,
  without: ReadonlySet<string | symbol> = new Set(),
): void {
  for (const key of Reflect.ownKeys(source)) {
    if (without.has(key)) continue;
    const descriptor = Object.getOwnPropertyDescriptor(source, key)!;
    if ("value" in descriptor) descriptor.value = copy(descriptor.value as unknown, `.${String(key)}`);
    Object.defineProperty(target, key, descriptor);
  }
}

/**
 * @internal Refuses objects that keep something where it cannot be read, in `#private` members.
 *
 * @param at where the object was found, to follow the sentence.
 * @param until a prototype, from which on classes take care of themselves.
 */
export function refuseUncopyable(value: object, at: string, until: object | null = null): void {
  for (
    let prototype = Object.getPrototypeOf(value) as object | null;
    prototype !== null && prototype !== until && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    const { constructor } = prototype as { constructor: { name: string } };
    if (!hasPrivateMembers(constructor)) continue;
    throw new TorchError(
      `deepcopy: expected objects whose members can be read${at}, got ${constructor.name} with #private ones: ` +
        `give ${constructor.name} a method deepcopy(), or write \`private name\` for \`#name\``,
    );
  }
}

const privateMembers = new WeakMap<object, boolean>();

/** Whether the source of a class names `#members`, outside of comments and texts. */
function hasPrivateMembers(constructor: object): boolean {
  let has = privateMembers.get(constructor);
  if (has === undefined) {
    const source = Function.prototype.toString.call(constructor);
    const code = source.replace(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, "");
    has = /(?:^|[\s;{}.(!])#[\p{ID_Start}_$]/u.test(code);
    privateMembers.set(constructor, has);
  }
  return has;
}
