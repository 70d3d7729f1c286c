/** Values of command-line overrides: what comes after `=`. */
import { pyFloatRepr } from "../python-format";
import { Float, type ScalarValue } from "../yaml/nodes";

/** A text in quotes: it keeps them when a sweep passes it on to its jobs. */
export class Quoted {
  constructor(
    readonly text: string,
    readonly quote: "'" | '"',
  ) {}
}

/** `{key: value}`; keys as Python writes them. */
export class Dictionary {
  constructor(readonly entries: ReadonlyMap<string, ValueTree>) {}
}

/** `a,b` and `choice(a,b)`. */
export class ChoiceSweep {
  constructor(
    readonly values: readonly ValueTree[],
    /** Without `choice(…)`. */
    readonly isSimple: boolean,
    readonly isShuffled = false,
  ) {}
}

/** `range(start,stop,step)`. */
export class RangeSweep {
  constructor(
    readonly start: number | bigint | Float,
    readonly stop: number | bigint | Float,
    readonly step: number | bigint | Float,
    readonly isShuffled = false,
  ) {}
}

/** `interval(start,end)`: for sweepers that optimise. */
export class IntervalSweep {
  constructor(
    readonly start: number,
    readonly end: number,
  ) {}
}

/** `glob(include,exclude)`: options of a group. */
export class GlobSweep {
  constructor(
    readonly include: readonly string[],
    readonly exclude: readonly string[],
  ) {}
}

/** Several values, one job each. */
export type Sweep = ChoiceSweep | RangeSweep | IntervalSweep | GlobSweep;

/** A parsed value. */
export type ValueTree = ScalarValue | Quoted | Dictionary | Sweep | readonly ValueTree[];

/** Whether a value stands for several jobs. */
export function isSweepValue(value: ValueTree | undefined): value is Sweep {
  return (
    value instanceof ChoiceSweep ||
    value instanceof RangeSweep ||
    value instanceof IntervalSweep ||
    value instanceof GlobSweep
  );
}

/** Whether a value is a list. */
export function isList(value: ValueTree | undefined): value is readonly ValueTree[] {
  return Array.isArray(value);
}

/** Python's `str` of a number or boolean. */
export function pythonText(value: number | bigint | boolean | Float): string {
  if (value instanceof Float) return pyFloatRepr(value.value);
  return typeof value === "boolean" ? (value ? "True" : "False") : String(value);
}

/**
 * A value as Hydra's sweeper writes it after the `=` of a job: quotes stay, special characters are escaped.
 *
 * @throws TypeError for a sweep inside a value, which no job can be given
 */
export function writeValue(value: ValueTree): string {
  if (value === null) return "null";
  if (value instanceof Quoted) return withQuotes(value);
  if (typeof value === "string") return value.replace(/[\\()[\]{}:=, \t]/g, "\\$&");
  if (isList(value)) return `[${value.map(writeValue).join(",")}]`;
  if (value instanceof Dictionary)
    return `{${[...value.entries].map(([key, item]) => `${writeValue(key)}:${writeValue(item)}`).join(",")}}`;
  if (isSweepValue(value)) throw new TypeError("a sweep inside a value");
  return pythonText(value);
}

/** Backslashes before a quote, also before the closing one, are doubled; quotes are escaped. */
function withQuotes({ text, quote }: Quoted): string {
  const escaped = `${text}${quote}`.replace(
    new RegExp(`(\\\\*)${quote}`, "g"),
    (_, slashes: string) => `${slashes}${slashes}\\${quote}`,
  );
  // the last one is the closing quote itself
  return `${quote}${escaped.slice(0, -2)}${quote}`;
}
