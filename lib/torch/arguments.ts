/**
 * Checks of what callers hand over. Functions written by hand refuse unknown options, surplus arguments and values of the wrong
 * kind before they do anything; operators get the same from their schemas (`overloads.ts`).
 */
import { dtypes, isDType, nearDType } from "./dtype";
import { nearestOption } from "./nearest-option";

/** What an argument may be. */
export interface Kind {
  /** Completes "expected …": `"a boolean"`. */
  readonly text: string;
  accepts(value: unknown): boolean;
  /** Says more of a value that is refused, to follow "got …". */
  hint?(value: unknown): string;
}

/** The options of one function. */
export type OptionKinds = Readonly<Record<string, Kind>>;

/** The default of an options argument on hot paths: known to need no check. */
export const NO_OPTIONS = Object.freeze({});

/** A kind for each option of an interface: `const KINDS = { … } satisfies KindsOf<Options>` keeps the two together. */
export type KindsOf<Options> = Readonly<Record<keyof Options, Kind>>;

// ---- kinds

export const flag: Kind = { text: "a boolean", accepts: (value) => typeof value === "boolean" };
export const text: Kind = { text: "a string", accepts: (value) => typeof value === "string" };
export const callable: Kind = { text: "a function", accepts: (value) => typeof value === "function" };

/** Any number but NaN. */
export const real: Kind = {
  text: "a number",
  accepts: (value) => typeof value === "number" && !Number.isNaN(value),
};
export const nonNegative: Kind = {
  text: "a number of at least 0",
  accepts: (value) => typeof value === "number" && value >= 0,
};
export const probability: Kind = {
  text: "a probability between 0 and 1",
  accepts: (value) => typeof value === "number" && value >= 0 && value <= 1,
};
export const integer: Kind = { text: "an integer", accepts: (value) => Number.isInteger(value) };
/** Sizes and numbers of things. */
export const count: Kind = {
  text: "an integer of at least 0",
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
export const positive: Kind = {
  text: "an integer of at least 1",
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
};
/** Integers that may go beyond 2⁵³. */
export const seed: Kind = {
  text: "an integer",
  accepts: (value) => typeof value === "bigint" || Number.isSafeInteger(value),
};

/** @internal What the class `Tensor`, which imports this file, marks its objects with. */
export const TENSOR_MARK = Symbol("Tensor");

/** A tensor of this copy of the package: the handle of another one's means something else here. */
export const tensor: Kind = {
  text: "a tensor",
  accepts: (value) => typeof value === "object" && value !== null && TENSOR_MARK in value,
};
export const dtype: Kind = { text: `a dtype (${dtypes.join(", ")})`, accepts: isDType, hint: nearDType };
export const device: Kind = {
  text: 'a device ("cpu", "cuda:0")',
  accepts: (value) => typeof value === "string" && !isDType(value),
  hint: (value) => (isDType(value) ? `, which is a dtype: { dtype: "${value as string}" }` : ""),
};

export function oneOf(...values: readonly (string | number | null)[]): Kind {
  const list = values.map((value) => JSON.stringify(value));
  return {
    text: list.length === 1 ? list[0]! : `${list.slice(0, -1).join(", ")} or ${list.at(-1)!}`,
    accepts: (value) => values.includes(value as string),
    hint(value) {
      const names = values.filter((each) => typeof each === "string");
      const near = typeof value === "string" ? nearestOption(value, names) : undefined;
      return near === undefined ? "" : `; did you mean "${near}"?`;
    },
  };
}

export function either(...kinds: readonly Kind[]): Kind {
  return {
    text: kinds.map((kind) => kind.text).join(" or "),
    accepts: (value) => kinds.some((kind) => kind.accepts(value)),
  };
}

/** The kind or null. */
export function nullable(kind: Kind): Kind {
  return {
    ...kind,
    text: `${kind.text} or null`,
    accepts: (value) => value === null || kind.accepts(value),
  };
}

export function arrayOf(kind: Kind, length?: number): Kind {
  return {
    text: `an array of ${length === undefined ? "" : `${length} times `}${kind.text}`,
    accepts: (value) =>
      Array.isArray(value) &&
      (length === undefined || value.length === length) &&
      value.every((entry) => kind.accepts(entry)),
  };
}

/** A value for all dimensions or one for each. */
export function eachDimension(kind: Kind): Kind {
  return either(kind, arrayOf(kind));
}

// ---- checks

/**
 * Refuses an argument of the wrong kind.
 *
 * @throws TypeError that says what was expected, for which name, and what came.
 */
export function checkArgument(where: string, name: string, value: unknown, kind: Kind): void {
  if (!kind.accepts(value)) throw refused(where, name, value, kind);
}

function refused(where: string, name: string, value: unknown, kind: Kind): TypeError {
  return new TypeError(`${where}: expected ${kind.text} for ${name}, got ${show(value)}${kind.hint?.(value) ?? ""}`);
}

/**
 * Refuses options that the function does not have, values of the wrong kind, and arguments after the options. `undefined` takes
 * the default.
 *
 * @throws TypeError that names the option and the one that was probably meant.
 */
export function checkOptions(
  where: string,
  options: object | undefined,
  kinds: OptionKinds,
  surplus: readonly unknown[] = [],
): void {
  if (options !== undefined && options !== NO_OPTIONS) {
    if (!isPlainObject(options)) throw notOptions(where, options, kinds);
    for (const key in options) {
      if (!Object.hasOwn(kinds, key)) {
        const names = Object.keys(kinds);
        throw new TypeError(`${unknownOption(where, key, names)} It takes { ${names.join(", ")} }`);
      }
      const value = options[key];
      if (value !== undefined && !kinds[key]!.accepts(value)) throw refused(where, key, value, kinds[key]!);
    }
  }
  if (surplus.length > 0) refuseSurplus(where, surplus);
}

/** Refuses arguments that the function does not have. */
export function refuseSurplus(where: string, surplus: readonly unknown[]): void {
  if (surplus.every((value) => value === undefined)) return;
  throw new TypeError(`${where}: expected no further argument, got ${surplus.map(show).join(", ")}`);
}

/**
 * Makes methods refuse more arguments than they take. PyTorch's may take one that is not here, such as `parameters(recurse)`, and a
 * caller from JavaScript would not learn that it was ignored.
 *
 * @param limits how many arguments each method takes.
 */
export function limitArguments(prototype: object, limits: Readonly<Record<string, number>>): void {
  for (const [name, limit] of Object.entries(limits)) {
    const method = (prototype as Record<string, unknown>)[name] as (...args: unknown[]) => unknown;
    const limited = function (this: unknown, ...args: unknown[]): unknown {
      if (args.length > limit) refuseSurplus(name, args.slice(limit));
      return method.apply(this, args);
    };
    Object.defineProperty(limited, "name", { value: name });
    Object.defineProperty(prototype, name, { value: limited, writable: true, configurable: true });
  }
}

/**
 * Refuses to run what is not a function.
 *
 * @throws TypeError that shows the form of the call.
 */
export function checkBody(where: string, body: unknown, surplus: readonly unknown[]): void {
  if (typeof body !== "function")
    throw new TypeError(
      `${where}: expected a function to run, ${where}(() => …), got ${body === undefined ? "none" : show(body)}`,
    );
  if (surplus.length > 0) refuseSurplus(where, surplus);
}

/**
 * Arguments that are given by position or, from any position on, by name in an options object: `pad(x, sides, "reflect")` and
 * `pad(x, sides, { mode: "reflect" })`. Their positions are the order of `kinds`.
 *
 * @throws TypeError as {@link checkOptions} does, and for an argument that is given twice.
 */
export function byPositionOrName<Arguments extends object>(
  where: string,
  kinds: KindsOf<Arguments>,
  given: readonly unknown[],
): Partial<Arguments> {
  const names = Object.keys(kinds);
  const count = given.findLastIndex((value) => value !== undefined) + 1;
  const last = given[count - 1];
  const options = isPlainObject(last) ? last : {};
  const positional = given.slice(0, isPlainObject(last) ? count - 1 : count);
  refuseSurplus(where, positional.slice(names.length));
  const byPosition: Record<string, unknown> = {};
  for (const [index, value] of positional.entries()) byPosition[names[index]!] = value;
  for (const key of Object.keys(options))
    if (byPosition[key] !== undefined)
      throw new TypeError(`${where}: expected ${key} once, got it by position and by name`);
  for (const [key, value] of Object.entries(byPosition))
    if (value !== undefined) checkArgument(where, key, value, kinds[key as keyof Arguments]);
  checkOptions(where, options, kinds);
  return { ...byPosition, ...options } as Partial<Arguments>;
}

function notOptions(where: string, given: unknown, kinds: OptionKinds): TypeError {
  const meant = Object.keys(kinds).find((key) => kinds[key]!.accepts(given));
  const hint = meant === undefined ? "" : `; for example { ${meant}: ${show(given)} }`;
  return new TypeError(`${where}: expected options, { ${Object.keys(kinds).join(", ")} }, got ${show(given)}${hint}`);
}

/** @internal The sentence about an option that a function does not have. */
export function unknownOption(where: string, key: string, names: Iterable<string>): string {
  const near = nearestOption(key, names);
  return `${where}: unknown option ${JSON.stringify(key)}${near === undefined ? "." : `, did you mean "${near}"?`}`;
}

// ---- values

/** An object literal, also one of another realm. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A value as messages name it: short, and as it is written in code where that is possible. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (tensor.accepts(value)) return "Tensor";
  if (Array.isArray(value)) return `[${listed(value.map((entry) => (Array.isArray(entry) ? "[…]" : show(entry))))}]`;
  if (isPlainObject(value)) {
    const entries = Object.entries(value).map(
      ([key, entry]) => `${key}: ${isPlainObject(entry) ? "{…}" : show(entry)}`,
    );
    return entries.length === 0 ? "{}" : `{ ${listed(entries)} }`;
  }
  if (typeof (value as { handle?: unknown }).handle === "number")
    return `a ${value.constructor?.name} of another copy of noether-ts`;
  return value.constructor?.name || "an object";
}

function listed(entries: readonly string[]): string {
  return entries.length <= 6 ? entries.join(", ") : `${entries.slice(0, 6).join(", ")}, …`;
}
