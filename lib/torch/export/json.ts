/** JSON of an exported program: numbers beyond 2^53, and values whose form is checked before it is believed. */
import { damaged, printable } from "../serialization/errors";

/** An object of the file. */
export type JsonObject = Readonly<Record<string, unknown>>;

const WIDE = "$integer";

/**
 * Reads JSON as Python writes it: integers of any size (bigints where they are not exact as numbers), `Infinity` and `NaN`.
 *
 * @throws CheckpointError for text that is no JSON
 */
export function parseJson(where: string, text: string): unknown {
  const prepared = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?Infinity|NaN/gs, (token) => {
    if (token.startsWith('"')) return token;
    if (!/\d/.test(token)) return `"${token}"`;
    return token.length > 15 && /^-?\d+$/.test(token) ? `{"${WIDE}":"${token}"}` : token;
  });
  try {
    return JSON.parse(prepared, (_, value: unknown) => {
      const digits = (value as { [WIDE]?: unknown } | null)?.[WIDE];
      if (typeof digits !== "string" || !/^-?\d{1,20}$/.test(digits)) return value;
      const wide = BigInt(digits);
      return Number.isSafeInteger(Number(wide)) ? Number(wide) : wide;
    }) as unknown;
  } catch (cause) {
    // a RangeError: nested too deep
    if (cause instanceof SyntaxError || cause instanceof RangeError)
      throw damaged(`${printable(where)}, which is no JSON of a program`);
    throw cause;
  }
}

export function object(value: unknown, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("an object", what, value);
  return value as JsonObject;
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong("a list", what, value);
  return value;
}

export function string(value: unknown, what: string): string {
  if (typeof value !== "string") throw wrong("a string", what, value);
  return value;
}

export function boolean(value: unknown, what: string): boolean {
  if (typeof value !== "boolean") throw wrong("true or false", what, value);
  return value;
}

export function integer(value: unknown, what: string): number | bigint {
  if (!Number.isSafeInteger(value) && typeof value !== "bigint") throw wrong("an integer", what, value);
  return value as number | bigint;
}

/** A size, a stride or an offset. */
export function size(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong("a size", what, value);
  return value as number;
}

/** A float; those that JSON has no number for are words. */
export function float(value: unknown, what: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value === "Infinity" || value === "-Infinity" || value === "NaN") return Number(value);
  throw wrong("a number", what, value);
}

/** A union of the file, `{ as_int: 3 }`: its kind and its value. */
export function union(value: unknown, what: string): [kind: string, value: unknown] {
  const entries = Object.entries(object(value, what));
  if (entries.length !== 1) throw wrong("an object with one entry", what, value);
  return entries[0]!;
}

/** Own entries only: a name such as "constructor" is not there unless the file has it. */
export function own(from: JsonObject, key: string): unknown {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

function wrong(expected: string, what: string, value: unknown): Error {
  const text = typeof value === "bigint" ? String(value) : JSON.stringify(value);
  return damaged(
    `${printable((text as string | undefined) ?? "nothing")} for ${printable(what)}, where ${expected} is due`,
  );
}
