import { toMap } from "../../torch";
import type { CallbackState } from "./base";

/** One entry of a stored state, whichever form the file's dict took. */
export function entryOf(state: CallbackState, key: string): unknown {
  return toMap(state).get(key);
}

/** A stored dict with integer keys. */
export function intKeyed<T>(value: unknown, convert: (item: unknown) => T): Map<number, T> {
  return new Map([...toMap(value ?? {})].map(([key, item]) => [Number(key), convert(item)]));
}
