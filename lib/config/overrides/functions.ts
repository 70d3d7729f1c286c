/** The functions of override values, as Hydra 1.3 has them: casts, sweeps, and what changes their order. */
import type { ConfigError } from "../errors";
import { exactInteger } from "../yaml/numbers";
import { Float } from "../yaml/nodes";
import { decimalRange } from "./decimal-range";
import {
  ChoiceSweep,
  Dictionary,
  GlobSweep,
  IntervalSweep,
  Quoted,
  RangeSweep,
  isList,
  isSweepValue,
  pythonText,
  type Sweep,
  type ValueTree,
} from "./override-value";

type Numeric = number | bigint | Float;
/** Makes the error that says what was expected. */
type Fail = (expected: string) => ConfigError;
type Implementation = (args: readonly ValueTree[], named: ReadonlyMap<string, ValueTree>, fail: Fail) => ValueTree;

const FUNCTIONS: Readonly<Record<string, { readonly names: readonly string[]; readonly call: Implementation }>> = {
  int: { names: ["value"], call: castWith("int", toInt) },
  float: { names: ["value"], call: castWith("float", toFloat) },
  str: { names: ["value"], call: castWith("str", toText) },
  bool: { names: ["value"], call: castWith("bool", toBool) },
  json_str: { names: [], call: (args, _named, fail) => jsonText(only(args, "json_str", fail)) },
  choice: { names: [], call: choice },
  range: { names: ["start", "stop", "step"], call: range },
  interval: { names: ["start", "end"], call: interval },
  glob: { names: ["include", "exclude"], call: glob },
  tag: { names: ["sweep"], call: tag },
  sort: { names: ["sweep", "list", "reverse"], call: sort },
  shuffle: { names: ["sweep", "list"], call: shuffle },
};

/**
 * Calls a function.
 *
 * @param fail - makes the error for arguments that do not fit
 */
export function callFunction(
  name: string,
  args: readonly ValueTree[],
  named: ReadonlyMap<string, ValueTree>,
  fail: Fail,
): ValueTree {
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (known === undefined)
    throw fail(`a function of ${Object.keys(FUNCTIONS).join(", ")} (or quotes around the text), not ${name}()`);
  for (const option of named.keys())
    if (!known.names.includes(option)) throw fail(`arguments that ${name}() has, not "${option}"`);
  const unquote = (value: ValueTree): ValueTree => (value instanceof Quoted ? value.text : value);
  return known.call(args.map(unquote), new Map([...named].map(([key, value]) => [key, unquote(value)])), fail);
}

function only(args: readonly ValueTree[], name: string, fail: Fail): ValueTree {
  if (args.length !== 1) throw fail(`one argument for ${name}()`);
  return args[0]!;
}

function isNumeric(value: ValueTree | undefined): value is Numeric {
  return typeof value === "number" || typeof value === "bigint" || value instanceof Float;
}

const numberOf = (value: Numeric): number => (value instanceof Float ? value.value : Number(value));

// ---- casts

type Cast = (value: Numeric | string | boolean, fail: Fail) => ValueTree;

/** A cast reaches into lists, mappings and sweeps; several arguments are a sweep. */
function castWith(name: string, cast: Cast): Implementation {
  const apply = (value: ValueTree, fail: Fail): ValueTree => {
    if (value instanceof Quoted) return cast(value.text, fail);
    if (isList(value)) return value.map((item) => apply(item, fail));
    if (value instanceof Dictionary)
      return new Dictionary(new Map([...value.entries].map(([key, item]) => [key, apply(item, fail)])));
    if (value instanceof ChoiceSweep)
      return new ChoiceSweep(
        value.values.map((item) => apply(item, fail)),
        value.isSimple,
        value.isShuffled,
      );
    if (value instanceof RangeSweep && (name === "int" || name === "float")) {
      const [start, stop, step] = [value.start, value.stop, value.step].map((item) => apply(item, fail));
      return new RangeSweep(start as Numeric, stop as Numeric, step as Numeric, value.isShuffled);
    }
    if (value instanceof IntervalSweep && (name === "int" || name === "float")) return value;
    if (value === null || isSweepValue(value)) throw fail(`a value that ${name}() can take`);
    return cast(value, fail);
  };
  return (args, named, fail) => {
    const value = named.get("value");
    if (args.length === 0 && value === undefined) throw fail(`an argument for ${name}()`);
    if (args.length > 0 && value !== undefined) throw fail(`one argument for ${name}(), with or without its name`);
    return apply(value ?? (args.length === 1 ? args[0]! : new ChoiceSweep(args, true)), fail);
  };
}

function toInt(value: Numeric | string | boolean, fail: Fail): number | bigint {
  if (typeof value === "string") {
    if (!/^\s*[+-]?\d(?:_?\d)*\s*$/.test(value)) throw fail("an integer for int()");
    return exactInteger(BigInt(value.trim().replaceAll("_", "").replace(/^\+/, "")));
  }
  if (typeof value === "boolean") return Number(value);
  if (!(value instanceof Float)) return value;
  if (!Number.isFinite(value.value)) throw fail("a finite number for int()");
  return exactInteger(BigInt(Math.trunc(value.value)));
}

function toFloat(value: Numeric | string | boolean, fail: Fail): Float {
  if (typeof value !== "string") return new Float(typeof value === "boolean" ? Number(value) : numberOf(value));
  const text = value.trim().toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(text);
  if (special) return new Float(special[2] === "nan" ? NaN : special[1] === "-" ? -Infinity : Infinity);
  if (!/^[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:e[+-]?\d(?:_?\d)*)?$/.test(text))
    throw fail("a number for float()");
  return new Float(Number(text.replaceAll("_", "")));
}

function toText(value: Numeric | string | boolean): string {
  if (typeof value === "string") return value;
  return typeof value === "boolean" ? String(value) : pythonText(value);
}

function toBool(value: Numeric | string | boolean, fail: Fail): boolean {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return numberOf(value) !== 0;
  if (!/^(true|false)$/i.test(value)) throw fail("true or false for bool()");
  return value.toLowerCase() === "true";
}

/** Hydra has this one since 1.4. */
function jsonText(value: ValueTree): string {
  if (value instanceof Quoted || typeof value === "string")
    return JSON.stringify(value instanceof Quoted ? value.text : value);
  if (isList(value)) return `[${value.map(jsonText).join(", ")}]`;
  if (value instanceof Dictionary)
    return `{${[...value.entries].map(([key, item]) => `${JSON.stringify(key)}: ${jsonText(item)}`).join(", ")}}`;
  if (value === null || typeof value === "boolean") return String(value);
  return isNumeric(value) ? pythonText(value) : "";
}

// ---- sweeps

function choice(args: readonly ValueTree[], _named: ReadonlyMap<string, ValueTree>, fail: Fail): Sweep {
  if (args.length === 0) throw fail("values for choice()");
  const [first] = args;
  if (args.length === 1 && first instanceof ChoiceSweep) {
    if (!first.isSimple) throw fail("values for choice(), not another choice()");
    return new ChoiceSweep(first.values, false, first.isShuffled);
  }
  if (args.some((arg) => arg === null || (isSweepValue(arg) && !(arg instanceof ChoiceSweep))))
    throw fail("values for choice(), not null or another sweep");
  return new ChoiceSweep(args, false);
}

function range(args: readonly ValueTree[], named: ReadonlyMap<string, ValueTree>, fail: Fail): Sweep {
  const values = bound(["start", "stop", "step"], args, named, "range", fail).map((value) =>
    typeof value === "boolean" ? Number(value) : value,
  );
  if (values.some((value) => value !== undefined && !isNumeric(value))) throw fail("numbers for range()");
  const [first, second, step = 1] = values as (Numeric | undefined)[];
  if (first === undefined) throw fail("numbers for range()");
  return second === undefined ? new RangeSweep(0, first, step) : new RangeSweep(first, second, step);
}

function interval(args: readonly ValueTree[], named: ReadonlyMap<string, ValueTree>, fail: Fail): Sweep {
  const [start, end] = bound(["start", "end"], args, named, "interval", fail);
  if (!isNumeric(start) || !isNumeric(end)) throw fail("two numbers for interval()");
  return new IntervalSweep(numberOf(start), numberOf(end));
}

function glob(args: readonly ValueTree[], named: ReadonlyMap<string, ValueTree>, fail: Fail): Sweep {
  const [include, exclude = []] = bound(["include", "exclude"], args, named, "glob", fail);
  const patterns = (value: ValueTree | undefined): string[] =>
    (isList(value) ? value : [value]).map((item) => {
      const text = item instanceof Quoted ? item.text : item;
      if (typeof text !== "string") throw fail("patterns for glob()");
      return text;
    });
  return new GlobSweep(patterns(include), patterns(exclude));
}

/** Arguments by position or name. */
function bound(
  names: readonly string[],
  args: readonly ValueTree[],
  named: ReadonlyMap<string, ValueTree>,
  name: string,
  fail: Fail,
): (ValueTree | undefined)[] {
  if (args.length > names.length) throw fail(`at most ${names.length} arguments for ${name}()`);
  return names.map((key, index) => {
    if (index < args.length && named.has(key)) throw fail(`one value for the argument "${key}" of ${name}()`);
    return index < args.length ? args[index] : named.get(key);
  });
}

/** Tags are for other sweepers. */
function tag(args: readonly ValueTree[], named: ReadonlyMap<string, ValueTree>, fail: Fail): ValueTree {
  const sweep = named.get("sweep");
  const all = sweep === undefined ? args : [...args, sweep];
  const last = all.at(-1);
  if (!isSweepValue(last) || all.slice(0, -1).some((item) => typeof item !== "string"))
    throw fail("texts and then a sweep for tag()");
  return last;
}

// ---- order

function sort(args: readonly ValueTree[], named: ReadonlyMap<string, ValueTree>, fail: Fail): ValueTree {
  const reverse = named.get("reverse") ?? false;
  if (typeof reverse !== "boolean") throw fail("true or false for the argument reverse of sort()");
  const [only] = args;
  const single = named.get("list") ?? named.get("sweep") ?? (args.length === 1 ? only : undefined);
  if (single instanceof RangeSweep) return sortedRange(single, reverse);
  if (single instanceof ChoiceSweep)
    return new ChoiceSweep(sorted(single.values, reverse, fail), single.isSimple, single.isShuffled);
  if (isList(single)) return sorted(single, reverse, fail);
  if (single !== undefined) return single;
  if (args.length === 0) throw fail("values for sort()");
  return new ChoiceSweep(sorted(args, reverse, fail), true);
}

/** As Python's `sorted`: stable; texts among texts, numbers among numbers. */
function sorted(values: readonly ValueTree[], reverse: boolean, fail: Fail): ValueTree[] {
  const keys = values.map((value) => (isNumeric(value) || typeof value === "boolean" ? comparable(value) : value));
  const isAll = (type: string): boolean => keys.every((key) => typeof key === type);
  if (!isAll("string") && !isAll("number")) throw fail("numbers only or texts only for sort()");
  const order = [...values.keys()].sort((a, b) => {
    const [left, right] = [keys[a] as string, keys[b] as string];
    return (left < right ? -1 : left > right ? 1 : 0) * (reverse ? -1 : 1);
  });
  return order.map((index) => values[index]!);
}

const comparable = (value: Numeric | boolean): number => (typeof value === "boolean" ? Number(value) : numberOf(value));

function sortedRange(sweep: RangeSweep, reverse: boolean): RangeSweep {
  const { start, stop, step } = sweep;
  const isAscending = numberOf(start) <= numberOf(stop);
  if (isAscending !== reverse || numberOf(start) === numberOf(stop)) return sweep;
  const size = absolute(step);
  const shift = (value: Numeric): Numeric => add(value, reverse ? negated(size) : size);
  return new RangeSweep(shift(stop), shift(start), negated(step), sweep.isShuffled);
}

function add(a: Numeric, b: Numeric): Numeric {
  return a instanceof Float || b instanceof Float
    ? new Float(numberOf(a) + numberOf(b))
    : exactInteger(BigInt(a) + BigInt(b));
}

const negated = (value: Numeric): Numeric =>
  value instanceof Float ? new Float(-value.value) : typeof value === "bigint" ? -value : 0 - value;
const absolute = (value: Numeric): Numeric => (numberOf(value) < 0 ? negated(value) : value);

function shuffle(args: readonly ValueTree[], named: ReadonlyMap<string, ValueTree>, fail: Fail): ValueTree {
  const [only] = args;
  const single = named.get("list") ?? named.get("sweep") ?? (args.length === 1 ? only : undefined);
  if (single instanceof ChoiceSweep) return new ChoiceSweep(single.values, single.isSimple, true);
  if (single instanceof RangeSweep) return new RangeSweep(single.start, single.stop, single.step, true);
  if (isSweepValue(single)) throw fail("a choice or a range for shuffle()");
  if (isList(single)) return shuffled(single);
  return single === undefined ? new ChoiceSweep(args, true, true) : [single];
}

function shuffled<T>(values: readonly T[]): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** The most values of one range. */
const MAX_VALUES = 1e6;

/**
 * The values of a sweep that lists them.
 *
 * @throws TypeError for intervals and globs, which list none; RangeError for endless ranges
 */
export function sweepValues(sweep: Sweep): readonly ValueTree[] {
  if (sweep instanceof ChoiceSweep) return sweep.isShuffled ? shuffled(sweep.values) : sweep.values;
  if (!(sweep instanceof RangeSweep)) throw new TypeError("a sweep without values");
  const values = rangeValues(sweep);
  return sweep.isShuffled ? shuffled(values) : values;
}

function rangeValues({ start, stop, step }: RangeSweep): ValueTree[] {
  if (start instanceof Float || stop instanceof Float || step instanceof Float)
    return decimalRange(numberOf(start), numberOf(stop), numberOf(step), MAX_VALUES).map((value) => new Float(value));
  const [from, to, by] = [BigInt(start), BigInt(stop), BigInt(step)];
  if (by === 0n) throw new RangeError("a step of 0");
  const values: ValueTree[] = [];
  for (let at = from; by > 0n ? at < to : at > to; at += by) {
    if (values.length === MAX_VALUES) throw new RangeError(`more than ${MAX_VALUES} values`);
    values.push(exactInteger(at));
  }
  return values;
}
