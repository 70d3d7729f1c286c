/** Values of TorchScript's methods, as native/src/jit/values.h takes and gives them. */
import { types } from "node:util";
import { isPlainObject, show } from "../arguments";
import { TorchError } from "../errors";
import { wrap } from "../scope";
import { Tensor } from "../tensor";

/**
 * What a method takes, by the type in its schema: `Tensor` a tensor · `int`, `float`, `bool`, `str` · `complex` `{ re, im }` ·
 * `Optional` null · `List`, `Tuple` an array · `Dict` a map or a plain object · `NamedTuple` an array or a plain object.
 */
export type ScriptInput =
  | Tensor
  | number
  | bigint
  | boolean
  | string
  | null
  | undefined
  | readonly ScriptInput[]
  | ReadonlyMap<string | number | boolean, ScriptInput>
  | { readonly [name: string]: ScriptInput };

/** What a method returns: a `Dict` is a `Map`; a `NamedTuple`, or an object of a class of the script, a plain object. */
export type ScriptResult = unknown;

/** Deeper than any value that a model takes. */
const MAX_DEPTH = 100;

/** @throws TypeError for what TorchScript has no value for */
export function encode(value: unknown, name: string, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new TorchError(`expected at most ${MAX_DEPTH} levels of nesting for ${name}`);
  if (value instanceof Tensor) return { tensor: value.handle };
  if (Array.isArray(value)) return value.map((each, index) => encode(each, `${name}[${index}]`, depth + 1));
  if (types.isMap(value)) return { entries: encodeEntries([...value], name, depth) };
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol")
      throw new TypeError(`expected a value of TorchScript for ${name}, got ${show(value)}`);
    return value;
  }
  if (!isPlainObject(value)) throw new TypeError(`expected a value of TorchScript for ${name}, got ${show(value)}`);
  const entries = Object.entries(value);
  const isComplex = entries.length === 2 && typeof value["re"] === "number" && typeof value["im"] === "number";
  // both forms: the schema says which is meant
  return { ...(isComplex ? { re: value["re"], im: value["im"] } : {}), entries: encodeEntries(entries, name, depth) };
}

function encodeEntries(entries: readonly (readonly [unknown, unknown])[], name: string, depth: number): unknown[] {
  return entries.map(([key, value]) => [
    encode(key, `a key of ${name}`, depth + 1),
    encode(value, `${name}[${String(key)}]`, depth + 1),
  ]);
}

/** A result of the addon; its tensors belong to the open scope. */
export function decode(value: unknown): ScriptResult {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== "object" || value === null) return value;
  const { tensor, entries, fields } = value as {
    tensor?: number;
    entries?: readonly (readonly [unknown, unknown])[];
    fields?: readonly (readonly [string, unknown])[];
  };
  if (tensor !== undefined) return wrap(tensor);
  if (entries !== undefined) return new Map(entries.map(([key, each]) => [decode(key), decode(each)]));
  if (fields !== undefined) return Object.fromEntries(fields.map(([key, each]) => [key, decode(each)]));
  return value;
}
