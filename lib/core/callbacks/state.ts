import type { CallbackState } from "./base";

/** One entry of a stored state, whichever form the file's dict took. */
export function entryOf(state: CallbackState, key: string): unknown {
  return state instanceof Map
    ? (state as ReadonlyMap<unknown, unknown>).get(key)
    : (state as Record<string, unknown>)[key];
}

/** A stored dict with integer keys. */
export function intKeyed<T>(value: unknown, convert: (item: unknown) => T): Map<number, T> {
  const entries: [unknown, unknown][] =
    value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value ?? {});
  return new Map(entries.map(([key, item]) => [Number(key), convert(item)]));
}
