import { ValueError } from "../../../config/python-errors";

/**
 * The ids that `name`, `name[i]`, `name[a:b]` or `name[a:b:c]` means, as Python's indices and slices do: negative numbers count from
 * the end, slices are cut at the ends.
 *
 * @throws ValueError when there is no such split or entry, and for anything else
 */
export function pickIds(dataset: string, text: string, splits: Readonly<Record<string, readonly string[]>>): string[] {
  const names = Object.keys(splits).join(", ");
  const match = /^([^[\]]+)(?:\[([^[\]]*)\])?$/.exec(text);
  const name = match?.[1];
  if (name === undefined || !Object.hasOwn(splits, name))
    throw new ValueError(
      `${dataset}: expected one of the splits ${names}, or a part of one as train[:100], received "${text}"`,
    );
  const ids = splits[name]!;
  const inside = match![2];
  if (inside === undefined) return [...ids];
  const parts = inside.split(":").map((part) => part.trim());
  if (parts.length > 3 || !parts.every((part) => /^([+-]?\d+)?$/.test(part)) || inside.trim() === "")
    throw new ValueError(
      `${dataset}: expected whole numbers as in train[5], train[:100], train[0:100:2], received "${text}"`,
    );
  if (parts.length === 1) {
    const id = ids.at(Number(parts[0]));
    if (id === undefined)
      throw new ValueError(`${dataset}: "${text}" is outside of the split "${name}", which has ${ids.length} samples`);
    return [id];
  }
  const [start, stop, step] = parts.map((part) => (part === "" ? null : Number(part)));
  if (step === 0) throw new ValueError(`${dataset}: expected a step other than 0, received "${text}"`);
  return slice(ids, start ?? null, stop ?? null, step ?? 1);
}

/** Python's `values[start:stop:step]`. */
function slice<T>(values: readonly T[], start: number | null, stop: number | null, step: number): T[] {
  const [low, high] = step > 0 ? [0, values.length] : [-1, values.length - 1];
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + values.length : at, low), high);
  const first = start === null ? (step > 0 ? low : high) : clamp(start);
  const end = stop === null ? (step > 0 ? high : low) : clamp(stop);
  const result: T[] = [];
  for (let i = first; step > 0 ? i < end : i > end; i += step) result.push(values[i]!);
  return result;
}
