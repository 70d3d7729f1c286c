import { z } from "zod";

/**
 * Leaf types of config schemas: zod types with the lax coercions of the framework's configs
 * (training-inference-config spec 3.1). `int()` takes `3`, `3.0`, `"3"` and `true`; `float()` takes numbers and numeric
 * strings; `bool()` takes 0/1 and yes/no/on/off words; **`str()` takes strings only**.
 *
 * They chain like every zod type: `int({ ge: 1 }).default(100)`, `str().nullable().default(null)` (short:
 * `optional(str())`). Without a default a key is required.
 */

/** Bounds of a number: `gt`/`ge` below, `lt`/`le` above. */
export interface Bounds {
  readonly gt?: number;
  readonly ge?: number;
  readonly lt?: number;
  readonly le?: number;
}

/** Payload that a transform reports its problems to. */
export interface IssueSink {
  readonly issues: unknown[];
}

/** Adds a problem to a transform's context; `path` is relative to the value at hand. */
export function report(sink: IssueSink, input: unknown, message: string, path: readonly PropertyKey[] = []): void {
  sink.issues.push({ code: "custom", input, message, path: [...path] });
}

/** What a config says where a value has to be given by somebody else. */
const MISSING = "???";

/** `the string "abc"`, `the number 3.5`, `a list of 3`, `a mapping`, `null`: what came, for messages. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (value === MISSING) return "??? (to be given, e.g. on the command line)";
  if (typeof value === "string")
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)}`;
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "a mapping";
  return `a ${typeof value}`;
}

function describeBounds({ gt, ge, lt, le }: Bounds): string {
  const parts = [
    gt !== undefined && `> ${gt}`,
    ge !== undefined && `>= ${ge}`,
    lt !== undefined && `< ${lt}`,
    le !== undefined && `<= ${le}`,
  ];
  const text = parts.filter(Boolean).join(" and ");
  return text === "" ? "" : ` ${text}`;
}

function inBounds(value: number, { gt, ge, lt, le }: Bounds): boolean {
  return (
    (gt === undefined || value > gt) &&
    (ge === undefined || value >= ge) &&
    (lt === undefined || value < lt) &&
    (le === undefined || value <= le)
  );
}

const leafNames = new WeakMap<z.ZodType, string>();

/** `an integer >= 1`: what a leaf type made here expects, for messages of unions. */
export function expectation(type: z.ZodType): string | undefined {
  return leafNames.get(type);
}

function leaf<T>(expected: string, coerce: (input: unknown) => T | undefined): z.ZodType<T, T> {
  const type = z.transform<unknown, T>((input, context) => {
    const value = input === MISSING ? undefined : coerce(input);
    if (value !== undefined) return value;
    if (input === undefined) report(context, input, `missing value: expected ${expected}`);
    else report(context, input, `expected ${expected}, received ${describe(input)}`);
    return z.NEVER;
  });
  leafNames.set(type, expected);
  return type as unknown as z.ZodType<T, T>;
}

const NUMBER_TEXT = /^[+-]?(\d(_?\d)*\.?(\d(_?\d)*)?|\.\d(_?\d)*)(e[+-]?\d+)?$/i;
const INTEGER_TEXT = /^[+-]?\d(_?\d)*(\.0+)?$/;
const SPECIAL_FLOATS: Record<string, number> = { nan: NaN, inf: Infinity, infinity: Infinity };

function toFloat(input: unknown): number | undefined {
  if (typeof input === "number") return input;
  if (typeof input === "boolean") return Number(input);
  if (typeof input !== "string") return undefined;
  const text = input.trim();
  if (NUMBER_TEXT.test(text)) return Number(text.replaceAll("_", ""));
  const special = SPECIAL_FLOATS[text.toLowerCase().replace(/^[+-]/, "")];
  if (special === undefined) return undefined;
  return text.startsWith("-") ? -special : special;
}

function toInt(input: unknown): number | undefined {
  if (typeof input === "number") return Number.isSafeInteger(input) ? input : undefined;
  if (typeof input === "boolean") return Number(input);
  if (typeof input !== "string" || !INTEGER_TEXT.test(input.trim())) return undefined;
  const value = Number(input.trim().replaceAll("_", ""));
  return Number.isSafeInteger(value) ? value : undefined;
}

const TRUE_WORDS = new Set(["1", "true", "t", "yes", "y", "on"]);
const FALSE_WORDS = new Set(["0", "false", "f", "no", "n", "off"]);

function toBool(input: unknown): boolean | undefined {
  if (typeof input === "boolean") return input;
  const word = typeof input === "string" ? input.toLowerCase() : typeof input === "number" ? String(input) : "";
  if (TRUE_WORDS.has(word)) return true;
  return FALSE_WORDS.has(word) ? false : undefined;
}

const floats = new WeakSet<z.ZodType>();

/** Whether a type was made by {@link float}: its values are written to YAML with a dot (`1.0`). */
export function isFloat(type: z.ZodType): boolean {
  return floats.has(type);
}

/** A string; never made from a number (`devices: 0` is an error, `devices: "0"` is right). */
export function str(): z.ZodType<string, string> {
  return leaf("a string", (input) => (typeof input === "string" ? input : undefined));
}

/** An integer, also from `3.0`, `"3"` and booleans. */
export function int(bounds: Bounds = {}): z.ZodType<number, number> {
  return leaf(`an integer${describeBounds(bounds)}`, (input) => {
    const value = toInt(input);
    return value !== undefined && inBounds(value, bounds) ? value : undefined;
  });
}

/** A number, also from numeric strings (`"1e-3"`). */
export function float(bounds: Bounds = {}): z.ZodType<number, number> {
  const type = leaf(`a number${describeBounds(bounds)}`, (input) => {
    const value = toFloat(input);
    return value !== undefined && inBounds(value, bounds) ? value : undefined;
  });
  floats.add(type);
  return type;
}

/** A boolean, also from 0/1 and the words true/false/t/f/yes/no/y/n/on/off in any case. */
export function bool(): z.ZodType<boolean, boolean> {
  return leaf("a boolean", toBool);
}

/** One of a few fixed strings. */
export function literal<const T extends string>(...values: readonly T[]): z.ZodType<T, T> {
  const type = leaf(values.map((value) => `"${value}"`).join(" or "), (input) =>
    values.find((value) => value === input),
  );
  literals.set(type, values);
  return type;
}

const literals = new WeakMap<z.ZodType, readonly string[]>();

/** The allowed values of a type made by {@link literal}; looks through `.default()`. */
export function literalValues(type: z.ZodType): readonly string[] | undefined {
  if (type instanceof z.ZodDefault) return literalValues(type.def.innerType as z.ZodType);
  return literals.get(type);
}

/** Any value, kept as it is. */
export function any(): z.ZodType<unknown, unknown> {
  return z.unknown();
}

/** `x` or null, null when the key is absent: Python's `field: X | None = None`. */
export function optional<O, I>(type: z.ZodType<O, I>): z.ZodType<O | null, I | null | undefined> {
  return type.nullable().default(null as never);
}

/** Parses one entry of a container; problems go to the container's context under `key`. */
function parseEntry<O, I>(element: z.ZodType<O, I>, value: unknown, key: PropertyKey, context: IssueSink): O {
  const result = element.safeParse(value);
  if (result.success) return result.data;
  forwardIssues(context, result.error, value, [key]);
  return undefined as never; // unused: the container fails as a whole
}

/** Copies the issues of a nested parse to the parent's context, with the path in front. */
export function forwardIssues(
  context: IssueSink,
  error: z.ZodError,
  input: unknown,
  prefix: readonly PropertyKey[],
): void {
  for (const issue of error.issues) report(context, input, issue.message, [...prefix, ...issue.path]);
}

const elements = new WeakMap<z.ZodType, z.ZodType>();

/** The element type of a list or mapping made here. */
export function elementType(type: z.ZodType): z.ZodType | undefined {
  return elements.get(type);
}

/** A list. Sets become lists; a single value is not wrapped. */
export function list<O, I>(element: z.ZodType<O, I>): z.ZodType<O[], readonly I[]> {
  const type = z.transform<unknown, O[]>((input, context) => {
    const items: unknown[] | undefined =
      input instanceof Set ? [...(input as Set<unknown>)] : Array.isArray(input) ? input : undefined;
    if (items) return items.map((item, index) => parseEntry(element, item, index, context));
    report(
      context,
      input,
      `${input === undefined ? "missing value: " : ""}expected a list, received ${describe(input)}`,
    );
    return z.NEVER;
  });
  elements.set(type, element);
  return type as unknown as z.ZodType<O[], readonly I[]>;
}

/** A set, held as a list without duplicates in order of first appearance. */
export function set<O, I>(element: z.ZodType<O, I>): z.ZodType<O[], readonly I[]> {
  const inner = list(element);
  const type = z.transform<unknown, O[]>((input, context) => {
    const result = inner.safeParse(input);
    if (result.success) return [...new Set(result.data)];
    forwardIssues(context, result.error, input, []);
    return z.NEVER;
  });
  elements.set(type, element);
  return type as unknown as z.ZodType<O[], readonly I[]>;
}

const tuples = new WeakMap<z.ZodType, readonly z.ZodType[]>();

/** The types of a {@link tuple}'s entries. */
export function tupleTypes(type: z.ZodType): readonly z.ZodType[] | undefined {
  return tuples.get(type);
}

/** A list of exactly as many entries as there are types. */
export function tuple<const T extends readonly z.ZodType[]>(
  ...types: T
): z.ZodType<{ -readonly [K in keyof T]: z.output<T[K]> }> {
  const type = z.transform<unknown, unknown[]>((input, context) => {
    if (!Array.isArray(input) || input.length !== types.length) {
      report(context, input, `expected a list of exactly ${types.length}, received ${describe(input)}`);
      return z.NEVER;
    }
    return types.map((element, index) => parseEntry(element, input[index], index, context));
  });
  tuples.set(type, types);
  return type as unknown as z.ZodType<{ -readonly [K in keyof T]: z.output<T[K]> }>;
}

/** Whether a value is a mapping as YAML has it (no list, no class instance). */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // by name, not identity: a mapping may come from another realm (jest, vm, jiti)
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A mapping of free keys to values of one type. */
export function mapping<O, I>(element: z.ZodType<O, I>): z.ZodType<Record<string, O>, Readonly<Record<string, I>>> {
  const type = z.transform<unknown, Record<string, O>>((input, context) => {
    if (!isMapping(input)) {
      report(
        context,
        input,
        `${input === undefined ? "missing value: " : ""}expected a mapping, received ${describe(input)}`,
      );
      return z.NEVER;
    }
    const output: Record<string, O> = {};
    for (const [key, value] of Object.entries(input)) {
      output[key] = parseEntry(element, value, key, context);
    }
    return output;
  });
  elements.set(type, element);
  return type as unknown as z.ZodType<Record<string, O>, Readonly<Record<string, I>>>;
}

/** The first of several leaf types that takes the value, tried in order (e.g. `oneOf(int(), str())`). */
export function oneOf<const T extends readonly z.ZodType[]>(
  ...types: T
): z.ZodType<z.output<T[number]>, z.input<T[number]>> {
  const type = z.transform<unknown, z.output<T[number]>>((input, context) => {
    // an exact type match wins over a coercion: "2-4" stays a string, 3 an integer, "3" a string
    const results = types.map((member) => member.safeParse(input));
    const exact = results.find((result) => result.success && result.data === input);
    const match = exact ?? results.find((result) => result.success);
    if (match?.success) return match.data as z.output<T[number]>;
    const names = types.map((member) => expectation(member)).filter((name) => name !== undefined);
    report(context, input, `expected ${names.join(" or ") || "another type"}, received ${describe(input)}`);
    return z.NEVER;
  });
  return type as unknown as z.ZodType<z.output<T[number]>, z.input<T[number]>>;
}
