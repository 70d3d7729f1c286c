/** Options of commands: one table says what an option takes, how it is read and checked, and what the help says of it. */
import { nearestNames, suggestNames } from "../config/nearest-names";
import { EXIT, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { optionLine } from "./option-line";

/** What any option may say of itself. */
interface Described {
  /** `o` is `-o`, `mo` is `-mo`. */
  readonly short?: string;
  /** What it is, in the help. */
  readonly does: string;
}

/** What an option with a value may say. */
interface Valued<T> extends Described {
  /** What stands for the value in the help: `FILE`. */
  readonly value: string;
  /** Taken when the option is not given, and shown. */
  readonly default?: T;
  /** What leaving it out means, where that is no value: `beside that of the run`. */
  readonly otherwise?: string;
  /** Whether leaving it out is bad usage. Default: false */
  readonly required?: true;
}

/** An option, whose value is of type T. */
export interface Option<T> extends Described {
  readonly value: string | null;
  /** Shown after the description, in parentheses. */
  readonly note: string | null;
  readonly isMany: boolean;
  /** A flag that `--no-NAME` takes back, and what it is by itself. */
  readonly negatable?: boolean;
  readonly preset?: boolean;
  /** Value of the texts that were given; those of a flag are `true` and `false`. Undefined: it was not given. */
  readonly read: (name: string, given: readonly string[] | undefined) => T;
}

/** Options by name. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of options. */
export type ValuesOf<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

type OrUndefined<T, S> = S extends { readonly default: unknown } | { readonly required: true } ? T : T | undefined;

function valued<T, S extends Valued<T>>(
  spec: S,
  parse: (name: string, text: string) => T,
  describe: (value: T) => string = String,
): Option<OrUndefined<T, S>> {
  const { short, does, value, default: preset, otherwise, required } = spec;
  const shown = preset === undefined ? otherwise : describe(preset);
  return {
    ...(short === undefined ? {} : { short }),
    does,
    value,
    note: required ? "required" : shown === undefined ? null : `default: ${shown}`,
    isMany: false,
    read: (name, given) => {
      if (given === undefined && required) throw new UsageError(`missing option --${name}`);
      return (given === undefined ? preset : parse(name, given.at(-1)!)) as OrUndefined<T, S>;
    },
  };
}

/** Present or not. With a `default` it may be taken back: `--no-hash`. */
export function flag({ default: preset, ...spec }: Described & { readonly default?: boolean }): Option<boolean> {
  return {
    ...spec,
    ...{ value: null, note: null, isMany: false },
    ...(preset === undefined ? {} : { negatable: true, preset }),
    read: (_, given) => (given === undefined ? (preset ?? false) : given.at(-1) === "true"),
  };
}

/** Any text. */
export function text<const S extends Valued<string>>(spec: S): Option<OrUndefined<string, S>> {
  return valued<string, S>(spec, (_, given) => given);
}

/** May be given several times. */
export function texts(spec: Described & { readonly value: string }): Option<readonly string[]> {
  return { ...spec, note: null, isMany: true, read: (_, given) => given ?? [] };
}

/** One of some words, in either case. */
export function choice<const C extends readonly string[], const S extends Omit<Valued<C[number]>, "value">>(
  choices: C,
  spec: S,
): Option<OrUndefined<C[number], S>> {
  return valued<C[number], S & { value: string }>({ ...spec, value: choices.join("|") }, (name, given) => {
    const choice = choices.find((each) => each.toLowerCase() === given.toLowerCase());
    if (choice === undefined) throw new UsageError(`--${name} has no "${given}"; ${suggestNames(given, choices)}`);
    return choice;
  }) as Option<OrUndefined<C[number], S>>;
}

/** A finite number. */
export function number<const S extends Valued<number>>(spec: S): Option<OrUndefined<number, S>> {
  return valued<number, S>(spec, numberOf);
}

/** A whole number. */
export function integer<const S extends Valued<number> & { readonly least?: number; readonly most?: number }>(
  spec: S,
): Option<OrUndefined<number, S>> {
  const { least = -Infinity, most = Infinity } = spec;
  const range = most < Infinity ? ` from ${least} to ${most}` : least > -Infinity ? ` of at least ${least}` : "";
  return valued<number, S>(spec, (name, given) => {
    const value = Number(given);
    if (!/^[+-]?\d+$/.test(given) || value < least || value > most)
      throw new UsageError(`--${name}: expected a whole number${range}, got "${given}"`);
    return value;
  });
}

/** What `parse` makes of the text, given the option's name, too; it returns undefined for what it does not take, which was to be `expected`. */
export function parsed<T, const S extends Valued<NoInfer<T>> & { readonly expected: string }>(
  spec: S,
  parse: (given: string, name: string) => T | undefined,
): Option<OrUndefined<T, S>> {
  return valued<T, S>(spec, (name, given) => {
    const value = parse(given, name);
    if (value === undefined) throw new UsageError(`--${name}: expected ${spec.expected}, got "${given}"`);
    return value;
  });
}

/** @throws UsageError for what is no number */
export function numberOf(name: string, given: string): number {
  const value = Number(given);
  if (given.trim() === "" || !Number.isFinite(value))
    throw new UsageError(`--${name}: expected a number, got "${given}"`);
  return value;
}

/** A part of a command's options, with its heading. */
export interface Section<O extends Options = Options> {
  /** None: the first part. */
  readonly title?: string;
  readonly options: O;
}

/** What a command takes, and its help. */
export interface CommandLine<O extends Options> {
  /** After `Usage: `, a line each. */
  readonly usage: readonly string[];
  /** What it does, in lines. */
  readonly about: string;
  /** Every option is in one of them. */
  readonly sections: readonly Section[];
  readonly options: O;
  /** What the help ends with; may be empty. */
  readonly end: string;
}

type UnionToIntersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;
type OptionsOf<S extends readonly Section[]> = UnionToIntersection<S[number]["options"]> & Options;

/** The command line of a command. */
export function commandLine<const S extends readonly Section[]>(
  spec: Omit<CommandLine<Options>, "options" | "sections"> & { readonly sections: S },
): CommandLine<OptionsOf<S>> {
  const options = Object.assign({}, ...spec.sections.map((section) => section.options)) as OptionsOf<S>;
  return { ...spec, options };
}

/** What was given to a command. */
export interface GivenWords<O extends Options> {
  readonly values: ValuesOf<O>;
  readonly words: readonly string[];
  /** Names of the options that were given. */
  readonly given: ReadonlySet<string>;
}

/**
 * Reads a command line.
 *
 * @returns "help" where that is asked for
 * @throws UsageError for an option that there is not, that lacks its value, or has one that it does not take
 */
export function readCommandLine<O extends Options>(
  { options }: CommandLine<O>,
  args: readonly string[],
): GivenWords<O> | "help" {
  const found = new Map<string, string[]>();
  const words: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--help" || arg === "-h") return "help";
    if (arg === "--") {
      words.push(...rest.splice(0));
      continue;
    }
    if (arg === "-" || !arg.startsWith("-")) {
      words.push(arg);
      continue;
    }
    const { name, inline, isNegated } = named(options, arg);
    const option = options[name]!;
    const texts = found.get(name) ?? [];
    found.set(name, texts);
    if (option.value === null) {
      if (inline !== undefined) throw new UsageError(`--${name}: expected no value, got "${inline}"`);
      texts.push(String(!isNegated));
      continue;
    }
    const value = inline ?? rest.shift();
    if (value === undefined || (inline === undefined && /^-{1,2}[a-z]/.test(value)))
      throw new UsageError(`expected ${option.value} after --${name}`);
    texts.push(value);
  }
  const values = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, option.read(name, found.get(name))]),
  );
  return { values: values as ValuesOf<O>, words, given: new Set(found.keys()) };
}

/** Words that a command was given, one for each of its names. */
export type WordsFor<W extends readonly string[]> = { readonly [K in keyof W]: string };

/** @throws UsageError unless there is one word for each name */
export function expectWords<const W extends readonly string[]>(names: W, words: readonly string[]): WordsFor<W> {
  if (words.length === names.length) return words as WordsFor<W>;
  const got = words.length === 0 ? "nothing" : words.map((word) => `'${word}'`).join(" ");
  throw new UsageError(`expected ${names.length === 0 ? "options only" : names.join(" ")}, got ${got}`);
}

/** The option that a word names, the value behind its `=` or its short name, and whether `--no-` stands before it. */
interface Named {
  readonly name: string;
  readonly inline: string | undefined;
  readonly isNegated: boolean;
}

function named(options: Options, arg: string): Named {
  const [head = arg, inline] = /^(.*?)(?:=(.*))?$/s.exec(arg)!.slice(1) as [string, string | undefined];
  const names = Object.keys(options);
  const name = names.find((each) => head === `--${each}` || head === `-${options[each]!.short}`);
  if (name !== undefined) return { name, inline, isNegated: false };
  const negated = names.find((each) => options[each]!.negatable && head === `--no-${each}`);
  if (negated !== undefined) return { name: negated, inline, isNegated: true };
  const near = nearestNames(
    head,
    names.map((each) => `--${each}`),
  );
  // -j4, unless it looks like a long name with a dash too few
  const [joined] = names
    .filter((each) => options[each]!.value !== null && isJoined(options[each]!.short, head))
    .sort((a, b) => options[b]!.short!.length - options[a]!.short!.length);
  if (joined !== undefined && near.length === 0)
    return { name: joined, inline: arg.slice(1 + options[joined]!.short!.length), isNegated: false };
  throw new UsageError(`unknown option ${head}${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : ""}`);
}

function isJoined(short: string | undefined, head: string): boolean {
  return short !== undefined && !head.startsWith("--") && head.startsWith(`-${short}`);
}

/** The help of a command. */
export function helpOf({ usage, about, sections, end }: CommandLine<Options>): string {
  const parts = sections.map(({ title, options }, index) => {
    const lines = Object.entries(options).map(([name, option]) => optionHelp(name, option));
    const all = index === sections.length - 1 ? [...lines, "  -h, --help"] : lines;
    return [...(title === undefined ? [] : [title]), ...all].join("\n");
  });
  const usages = usage.map((line, index) => `${index === 0 ? "Usage: " : "       "}${line}`);
  return [usages.join("\n"), about, ...parts, ...(end === "" ? [] : [end])].join("\n\n");
}

/** Prints the help that was asked for; returns the exit code. */
export function printHelp(command: CommandLine<Options>): number {
  printResult(`${helpOf(command)}\n`);
  return EXIT.ok;
}

/** Prints the help where a command was given nothing; returns the exit code. */
export function refuseNothing(command: CommandLine<Options>): number {
  console.error(helpOf(command));
  return EXIT.usage;
}

function optionHelp(name: string, { short, value, does, note, isMany, preset }: Option<unknown>): string {
  const many = isMany ? "; may be given several times" : "";
  const long = preset === true ? `--${name}/--no-${name}` : `--${name}`;
  return optionLine(
    `${short === undefined ? "" : `-${short}, `}${long}${value === null ? "" : ` ${value}`}`,
    `${does}${many}${note === null ? "" : ` (${note})`}`,
  );
}
