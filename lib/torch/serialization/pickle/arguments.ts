/** Checks of the arguments that a pickle passes. */
import { damaged } from "../errors";
import { Float, Tuple, looksLikeInt } from "../python-values";
import { DictNode, SetNode } from "./nodes";

/** A dict key or set item; lists, dicts and sets are none. */
export function hashable(value: unknown): unknown {
  if ((Array.isArray(value) && !(value instanceof Tuple)) || value instanceof DictNode || value instanceof SetNode) {
    throw damaged("a dict key or set item that is a list, dict or set");
  }
  return value;
}

/** A real number. */
export function real(value: unknown): number {
  if (value instanceof Float) return value.value;
  if (typeof value !== "number") throw damaged("a number that is none");
  return value;
}

/** A non-negative int. */
export function count(value: unknown, what: string): number {
  if (typeof value !== "number" || !looksLikeInt(value) || value < 0)
    throw damaged(`${what} that is not an integer of at least 0`);
  return value;
}

/** Sizes, strides: a tuple, list or `torch.Size` of at most 64 non-negative ints. */
export function sizes(value: unknown, what: string): number[] {
  if (!Array.isArray(value) || value.length > 64) throw damaged(`${what} that is not a tuple of at most 64 integers`);
  return value.map((size) => count(size, what));
}
