import { z } from "zod";
import { customType, delegate, type FieldType, isMapping, MISSING, refuse, report, zodType } from "./custom-type";

/**
 * Leaf types of config schemas: zod types with the lax coercions of the framework's configs. `int()` takes `3`, `3.0`,
 * `"3"` and `true`; `float()` takes numbers and numeric strings; `bool()` takes 0/1 and yes/no/on/off words; **`str()`
 * takes strings only**.
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

const leafNames = new WeakMap<FieldType, string>();
const leafKinds = new WeakMap<FieldType, LeafKind>();

/** What a leaf type made here takes, for those who describe it. */
export interface LeafKind {
  readonly type: "string" | "integer" | "number" | "boolean";
  readonly bounds?: Bounds;
}

/** What kind of leaf a type is; undefined for those that were not made here, and for literals. */
export function leafKind(type: FieldType): LeafKind | undefined {
  return leafKinds.get(type);
}

/** `an integer >= 1`: what a leaf type made here expects, for messages of unions. */
export function expectation(type: FieldType): string | undefined {
  return leafNames.get(type);
}

function leaf<T>(expected: string, coerce: (input: unknown) => T | undefined, kind?: LeafKind): z.ZodType<T, T> {
  const type = customType<T>((input, context) => {
    const value = input === MISSING ? undefined : coerce(input);
    if (value !== undefined) return value;
    if (input !== undefined) return refuse(context, input, expected);
    report(context, input, `missing value: expected ${expected}`);
    return z.NEVER;
  });
  leafNames.set(type, expected);
  if (kind !== undefined) leafKinds.set(type, kind);
  return type;
}

const NUMBER_TEXT = /^[+-]?(\d(_?\d)*\.?(\d(_?\d)*)?|\.\d(_?\d)*)(e[+-]?\d+)?$/i;
const INTEGER_TEXT = /^[+-]?\d(_?\d)*(\.0+)?$/;
const SPECIAL_FLOATS: Record<string, number> = { nan: NaN, inf: Infinity, infinity: Infinity };

function toFloat(input: unknown): number | undefined {
  if (typeof input === "number" || typeof input === "bigint") return Number(input);
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

const floats = new WeakSet<FieldType>();

/** Whether a type was made by {@link float}: its values are written to YAML with a dot (`1.0`). */
export function isFloat(type: FieldType): boolean {
  return floats.has(type);
}

/** A string; never made from a number (`devices: 0` is an error, `devices: "0"` is right). */
export function str(): z.ZodType<string, string> {
  return leaf("a string", (input) => (typeof input === "string" ? input : undefined), { type: "string" });
}

/** An integer, also from `3.0`, `"3"` and booleans. */
export function int(bounds: Bounds = {}): z.ZodType<number, number> {
  const coerce = (input: unknown): number | undefined => {
    const value = toInt(input);
    return value !== undefined && inBounds(value, bounds) ? value : undefined;
  };
  return leaf(`an integer${describeBounds(bounds)}`, coerce, { type: "integer", bounds });
}

/** A number, also from numeric strings (`"1e-3"`). */
export function float(bounds: Bounds = {}): z.ZodType<number, number> {
  const coerce = (input: unknown): number | undefined => {
    const value = toFloat(input);
    return value !== undefined && inBounds(value, bounds) ? value : undefined;
  };
  const type = leaf(`a number${describeBounds(bounds)}`, coerce, { type: "number", bounds });
  floats.add(type);
  return type;
}

/** A boolean, also from 0/1 and the words true/false/t/f/yes/no/y/n/on/off in any case. */
export function bool(): z.ZodType<boolean, boolean> {
  return leaf("a boolean", toBool, { type: "boolean" });
}

/** One of a few fixed strings. */
export function literal<const T extends string>(...values: readonly T[]): z.ZodType<T, T> {
  const type = leaf(values.map((value) => `"${value}"`).join(" or "), (input) =>
    values.find((value) => value === input),
  );
  literals.set(type, values);
  return type;
}

/**
 * The value that tells a config class from its relatives (`kind`, `name`): a literal that may be left out, typed as a
 * string so that a subclass can have another.
 */
export function tag(value: string): z.ZodType<string, string | undefined> {
  return literal(value).default(value);
}

const literals = new WeakMap<FieldType, readonly string[]>();

/** The allowed values of a type made by {@link literal}; looks through `.default()`. */
export function literalValues(type: FieldType): readonly string[] | undefined {
  if (type instanceof z.ZodDefault) return literalValues(type.def.innerType);
  return literals.get(type);
}

/** Any value, kept as it is. */
export function any(): z.ZodType<unknown, unknown> {
  return z.unknown();
}

/** `x` or null, null when the key is absent: Python's `field: X | None = None`. */
export function optional<O, I>(type: FieldType<O, I>): z.ZodType<O | null, I | null | undefined> {
  return zodType(type)
    .nullable()
    .default(null as never);
}

const elements = new WeakMap<FieldType, FieldType>();
const mappings = new WeakSet<FieldType>();
const alternatives = new WeakMap<FieldType, readonly FieldType[]>();

/** Whether a type was made by {@link mapping}. */
export function isMappingType(type: FieldType): boolean {
  return mappings.has(type);
}

/** The types of a {@link oneOf}. */
export function oneOfTypes(type: FieldType): readonly FieldType[] | undefined {
  return alternatives.get(type);
}

/** The element type of a list or mapping made here. */
export function elementType(type: FieldType): FieldType | undefined {
  return elements.get(type);
}

/** A list. Sets become lists; a single value is not wrapped. */
export function list<O, I>(element: FieldType<O, I>): z.ZodType<O[], readonly I[]> {
  const type = customType<O[], readonly I[]>((input, context) => {
    const items: unknown = input instanceof Set ? [...(input as Set<unknown>)] : input;
    if (!Array.isArray(items)) return refuse(context, input, "a list");
    return items.map((item, index) => delegate(element, item, context, [index]));
  });
  elements.set(type, element);
  return type;
}

/** A set, held as a list without duplicates in order of first appearance. */
export function set<O, I>(element: FieldType<O, I>): z.ZodType<O[], readonly I[]> {
  const inner = list(element);
  const type = customType<O[], readonly I[]>((input, context) => {
    const items: unknown = delegate(inner, input, context);
    return Array.isArray(items) ? [...new Set(items as O[])] : z.NEVER;
  });
  elements.set(type, element);
  return type;
}

const tuples = new WeakMap<FieldType, readonly FieldType[]>();

/** The types of a {@link tuple}'s entries. */
export function tupleTypes(type: FieldType): readonly FieldType[] | undefined {
  return tuples.get(type);
}

/** What a {@link tuple} of these types gives. */
type TupleOutput<T extends readonly FieldType[]> = { -readonly [K in keyof T]: z.output<T[K]> };

/** A list of exactly as many entries as there are types. */
export function tuple<const T extends readonly FieldType[]>(...types: T): z.ZodType<TupleOutput<T>> {
  const type = customType<TupleOutput<T>, unknown>((input, context) => {
    if (!Array.isArray(input) || input.length !== types.length)
      return refuse(context, input, `a list of exactly ${types.length}`);
    return types.map((entry, index) => delegate(entry, input[index], context, [index])) as TupleOutput<T>;
  });
  tuples.set(type, types);
  return type;
}

/** A mapping of free keys to values of one type. */
export function mapping<O, I>(element: FieldType<O, I>): z.ZodType<Record<string, O>, Readonly<Record<string, I>>> {
  const type = customType<Record<string, O>, Readonly<Record<string, I>>>((input, context) => {
    if (!isMapping(input)) return refuse(context, input, "a mapping");
    return Object.fromEntries(
      Object.entries(input).map(([key, value]) => [key, delegate(element, value, context, [key])]),
    );
  });
  mappings.add(type);
  elements.set(type, element);
  return type;
}

/** The first of several leaf types that takes the value, tried in order (e.g. `oneOf(int(), str())`). */
export function oneOf<const T extends readonly FieldType[]>(
  ...types: T
): z.ZodType<z.output<T[number]>, z.input<T[number]>> {
  const type = customType<z.output<T[number]>, z.input<T[number]>>((input, context) => {
    // an exact type match wins over a coercion: "2-4" stays a string, 3 an integer, "3" a string
    const results = types.map((member) => zodType(member).safeParse(input));
    const exact = results.find((result) => result.success && result.data === input);
    const match = exact ?? results.find((result) => result.success);
    if (match?.success) return match.data as z.output<T[number]>;
    const names = types.map((member) => expectation(member)).filter((name) => name !== undefined);
    return refuse(context, input, names.join(" or ") || "another type");
  });
  alternatives.set(type, types);
  return type;
}
