import { z } from "zod";
import { withSuggestion } from "../nearest-names";
import { isKnownConfigClass, noteConfigClass } from "./config-classes";
import { customType, delegate, type FieldType, isMapping, type IssueSink, refuse, report } from "./custom-type";

/** Field types of a config class, in the order in which they are written to YAML. */
export type Fields = Record<string, FieldType>;

/** A validated config: every key is there, defaults filled in. */
export type OutputOf<F extends Fields> = { [K in keyof F]: z.output<F[K]> };

/** The TypeScript type of a config class's values: `type LinearConfig = ConfigOf<typeof LinearConfig>`. */
export type ConfigOf<C extends FieldType> = z.output<C>;

type OptionalKeys<F extends Fields> = { [K in keyof F]: undefined extends z.input<F[K]> ? K : never }[keyof F];

/** What code passes to `create`: keys with a default may be left out. */
export type InputOf<F extends Fields> = { [K in Exclude<keyof F, OptionalKeys<F>>]: z.input<F[K]> } & {
  [K in OptionalKeys<F>]?: z.input<F[K]>;
};

/** Reports a problem of a cross-field check, at a key of the config or at the config itself. */
export type Report = (message: string, ...path: readonly PropertyKey[]) => void;

/** What {@link defineConfig} takes. */
export interface ConfigOptions<F extends Fields, All extends Fields = F> {
  /** What happens to keys that are not fields: an error, dropped, or kept. Default: the parent's, else `ignore`. */
  readonly extra?: "forbid" | "ignore" | "allow";
  readonly fields: F;
  /** Other names under which a field may be given: `{ normalizers: "dataset_normalizers" }`. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Computed keys that the Python framework writes to `hp_resolved.yaml`; dropped when read. */
  readonly derived?: readonly string[];
  /** Brings input in the form of an older release into that of the fields; `type` is the class that reads it, this one or a subclass. */
  readonly migrate?: (raw: Record<string, unknown>, type: AnyConfigClass) => Record<string, unknown>;
  /** Runs before the fields are validated, on a copy of the input that has the shared values. */
  readonly prepare?: (raw: Record<string, unknown>) => Record<string, unknown>;
  /** Cross-field rules; runs when every field is valid, the parent's first. */
  readonly check?: (config: OutputOf<All>, report: Report) => void;
}

/** The options of a config class, whatever its fields. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- no other type takes the fields of every class
type AnyConfigOptions = ConfigOptions<any>;

/** What the framework knows about a validated config object. */
interface ConfigMeta {
  readonly configClass: AnyConfigClass;
  /** Keys that were given (not defaulted). */
  readonly given: ReadonlySet<string>;
  /** Values right after validation; a key that differs later was assigned. */
  readonly initial: Readonly<Record<string, unknown>>;
}

const metas = new WeakMap<object, ConfigMeta>();

/**
 * A config class: a zod type with a name, named fields and inheritance. Made by {@link defineConfig}; the TypeScript
 * type of its values is `z.output<typeof TheClass>`.
 */
export interface ConfigClass<F extends Fields> extends z.ZodType<OutputOf<F>, InputOf<F>> {
  readonly configName: string;
  readonly fields: F;
  readonly parent: AnyConfigClass | undefined;
  /** A subclass: more (or redefined) fields, own checks after the parent's. */
  extend<G extends Fields>(
    name: string,
    options: ConfigOptions<G, Omit<F, keyof G> & G>,
  ): ConfigClass<Omit<F, keyof G> & G>;
  /** Builds a config in code; throws zod's error with every problem. */
  create(input: InputOf<F>): OutputOf<F>;
}

/** A config class, whatever its fields. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- no other type takes the fields of every class
export type AnyConfigClass = ConfigClass<any>;

const sharedFields = new WeakMap<FieldType, AnyConfigClass>();

/** Whether a zod type is a config class. */
export function isConfigClass(type: unknown): type is AnyConfigClass {
  return isKnownConfigClass(type);
}

/** Whether `type` is `base` or extends it. */
export function isSubclass(type: AnyConfigClass, base: AnyConfigClass): boolean {
  for (let current: AnyConfigClass | undefined = type; current; current = current.parent)
    if (current === base) return true;
  return false;
}

/** Class of a validated config object; undefined for plain values. */
export function configClassOf(value: unknown): AnyConfigClass | undefined {
  return typeof value === "object" && value !== null ? metas.get(value)?.configClass : undefined;
}

/** Whether a value came out of a config class (and so needs no second validation). */
export function isConfig(value: unknown): value is Record<string, unknown> {
  return configClassOf(value) !== undefined;
}

/** Whether a key of a validated config was given, or assigned later, rather than defaulted. */
export function isGiven(config: object, key: string): boolean {
  const meta = metas.get(config);
  if (!meta) return true;
  return meta.given.has(key) || !Object.is(meta.initial[key], (config as Record<string, unknown>)[key]);
}

/**
 * Marks a sub-config whose keys are filled from the parent's input when they are absent there:
 * `transformer_block_config: shared(TransformerBlockConfig)` takes `hidden_dim` from the parent. Only keys that the parent
 * was *given* are passed on, never its defaults; explicit values win; the caller's objects are not changed.
 */
export function shared<F extends Fields>(type: ConfigClass<F>): z.ZodType<OutputOf<F>, Partial<InputOf<F>>> {
  const marked = z.lazy(() => type);
  sharedFields.set(marked, type);
  return marked;
}

/** The class of a shared sub-config, which may be optional. */
function sharedClass(type: FieldType): AnyConfigClass | undefined {
  if (type instanceof z.ZodDefault || type instanceof z.ZodNullable || type instanceof z.ZodOptional)
    return sharedClass(type.unwrap());
  return sharedFields.get(type);
}

function inherit(into: Record<string, unknown>, fields: Fields, from: Record<string, unknown>, ownName: string): void {
  for (const [key, value] of Object.entries(from)) {
    if (key !== ownName && key in fields && !(key in into)) into[key] = value;
  }
}

/** Copies given keys of `ancestors` (nearest first) into the shared sub-mappings of `raw`, recursively. */
function injectShared(
  type: AnyConfigClass,
  raw: Record<string, unknown>,
  root?: Record<string, unknown>,
): Record<string, unknown> {
  const result = { ...raw };
  for (const [name, field] of Object.entries(type.fields as Fields)) {
    const sub = sharedClass(field);
    const value = result[name];
    if (!sub || !isMapping(value) || isConfig(value)) continue;
    const filled: Record<string, unknown> = { ...(value as Record<string, unknown>) };
    inherit(filled, sub.fields as Fields, result, name);
    if (root) inherit(filled, sub.fields as Fields, root, name);
    result[name] = injectShared(sub, filled, root ?? result);
  }
  return result;
}

function renameAliases(
  type: AnyConfigClass,
  raw: Record<string, unknown>,
  aliases: Readonly<Record<string, string>>,
  sink: IssueSink,
) {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) {
    const name = aliases[key] ?? key;
    if (name !== key && name in raw)
      report(sink, raw, `"${key}" is another name of "${name}" of ${type.configName}: give only one`, [key]);
    else result[name] = value;
  }
  return result;
}

/**
 * Defines a config class.
 *
 * @example
 * ```ts
 * export const LinearConfig = defineConfig("LinearConfig", {
 *   extra: "forbid",
 *   fields: { kind: str(), in_features: int({ ge: 1 }), bias: bool().default(true), lr: optional(float({ gt: 0 })) },
 *   check: (config, report) => { if (config.bias && config.in_features === 7) report("no bias with 7 inputs", "bias"); },
 * });
 * export type LinearConfig = z.output<typeof LinearConfig>;
 * ```
 */
export function defineConfig<F extends Fields>(name: string, options: ConfigOptions<F>): ConfigClass<F> {
  return makeConfigClass(name, options, undefined) as ConfigClass<F>;
}

function makeConfigClass(name: string, options: AnyConfigOptions, parent: AnyConfigClass | undefined): AnyConfigClass {
  const inherited = parent && internals.get(parent);
  const fields: Fields = { ...inherited?.fields, ...(options.fields as Fields) };
  const spec: Internals = {
    fields,
    extra: options.extra ?? inherited?.extra ?? "ignore",
    aliases: { ...inherited?.aliases, ...options.aliases },
    derived: [...(inherited?.derived ?? []), ...(options.derived ?? [])],
    migrate: options.migrate ?? inherited?.migrate,
    prepares: [...(inherited?.prepares ?? []), ...(options.prepare ? [options.prepare] : [])],
    checks: [...(inherited?.checks ?? []), ...(options.check ? [options.check] : [])],
  };
  const type: AnyConfigClass = Object.assign(
    customType<Record<string, unknown>>((input, context) => parseConfig(type, spec, input, context)),
    {
      configName: name,
      fields,
      parent,
      extend: (childName: string, childOptions: AnyConfigOptions) => makeConfigClass(childName, childOptions, type),
      create: (input: unknown) => type.parse(input),
    },
  );
  internals.set(type, spec);
  noteConfigClass(type);
  return type;
}

/** What a class says of keys that are not its fields. */
export function keysOf(type: AnyConfigClass): Pick<Internals, "extra" | "aliases" | "derived" | "migrate"> {
  return internals.get(type) as Internals;
}

interface Internals {
  readonly fields: Fields;
  readonly extra: "forbid" | "ignore" | "allow";
  readonly aliases: Readonly<Record<string, string>>;
  readonly derived: readonly string[];
  readonly migrate: AnyConfigOptions["migrate"];
  readonly prepares: readonly ((raw: Record<string, unknown>) => Record<string, unknown>)[];
  readonly checks: readonly ((config: never, report: Report) => void)[];
}

const internals = new WeakMap<FieldType, Internals>();

function parseConfig(
  type: AnyConfigClass,
  spec: Internals,
  input: unknown,
  context: IssueSink,
): Record<string, unknown> {
  const given = configClassOf(input);
  if (given && isSubclass(given, type)) return input as Record<string, unknown>;
  if (!isMapping(input)) return refuse(context, input, `a mapping (${type.configName})`);
  const before = context.issues.length;
  const renamed = renameAliases(type, input, spec.aliases, context);
  let raw = injectShared(type, spec.migrate ? spec.migrate(renamed, type) : renamed);
  const givenKeys = Object.keys(raw);
  // what a class prepares may rest on shared values, and may itself be a sub-config that takes some
  for (const prepare of spec.prepares) raw = injectShared(type, prepare({ ...raw }));

  const output: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(spec.fields)) {
    output[name] = delegate(field, raw[name], context, [name]);
  }
  for (const key of Object.keys(raw)) {
    if (key in spec.fields || spec.derived.includes(key)) continue;
    if (spec.extra === "allow") output[key] = raw[key];
    if (spec.extra === "forbid")
      report(context, raw[key], withSuggestion(`unknown key of ${type.configName}`, key, Object.keys(spec.fields)), [
        key,
      ]);
  }
  if (context.issues.length > before) return z.NEVER;

  for (const check of spec.checks) check(output as never, (message, ...path) => report(context, input, message, path));
  if (context.issues.length > before) return z.NEVER;
  // a key that only `prepare` made was not given: it is computed again from what was
  const names = new Set(givenKeys.filter((key) => key in output));
  metas.set(output, { configClass: type, given: names, initial: { ...output } });
  return output;
}
