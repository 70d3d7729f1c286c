/** The grammar of `noether-data`: what a command takes, how that is read, and the help that follows from it. */
import { nearestNames } from "../../config/nearest-names";
import { UsageError } from "../hydra-arguments";

/** An option of a command. */
export interface IoOption {
  /** `flag` may also be negated: `--no-hash`. */
  readonly type: "flag" | "text" | "int" | "choice";
  /** Short forms, with their dash: `-m`, also `-mo`. */
  readonly short?: string;
  readonly choices?: readonly string[];
  readonly default?: string | number | boolean;
  readonly required?: boolean;
  readonly does: string;
}

/** A command of a group. */
export interface IoCommand {
  /** Names of the words that it takes, in order. */
  readonly words: readonly string[];
  readonly does: string;
  readonly options: Readonly<Record<string, IoOption>>;
  /** Returns the exit code; nothing: 0. */
  readonly run: (given: Given) => Promise<number | void>;
}

/** What a command was given. */
export class Given {
  constructor(
    readonly words: readonly string[],
    readonly values: ReadonlyMap<string, string | number | boolean>,
  ) {}

  word(index: number): string {
    return this.words[index] as string;
  }

  text(name: string): string | undefined {
    const value = this.values.get(name);
    return value === undefined ? undefined : String(value);
  }

  int(name: string): number | undefined {
    const value = this.values.get(name);
    return typeof value === "number" ? value : undefined;
  }

  flag(name: string): boolean {
    return this.values.get(name) === true;
  }
}

/** Every command has these. */
const COMMON: Readonly<Record<string, IoOption>> = {
  debug: { type: "flag", default: false, does: "also say what is asked and answered" },
};

/**
 * Reads the arguments of a command.
 *
 * @returns null when its help is asked for
 * @throws UsageError for what the command does not take, and what it misses
 */
export function readArguments(command: IoCommand, args: readonly string[]): Given | null {
  const options = { ...command.options, ...COMMON };
  const values = new Map<string, string | number | boolean>();
  const words: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--help" || arg === "-h") return null;
    if (arg === "--") {
      words.push(...rest.splice(0));
    } else if (arg === "-" || !arg.startsWith("-")) {
      words.push(arg);
    } else {
      const { name, option, inline, isNegated } = findOption(options, arg);
      if (option.type === "flag") {
        if (inline !== undefined) throw new UsageError(`${arg}: expected no value for --${name}`);
        values.set(name, !isNegated);
        continue;
      }
      const value = inline ?? rest.shift();
      if (value === undefined) throw new UsageError(`expected a value for --${name}`);
      values.set(name, valueOf(name, option, value));
    }
  }
  if (words.length !== command.words.length) {
    const expected = command.words.length === 0 ? "no words" : command.words.join(" ");
    throw new UsageError(
      `expected ${expected}, got ${words.length === 0 ? "nothing" : words.map((word) => `'${word}'`).join(" ")}`,
    );
  }
  for (const [name, option] of Object.entries(options)) {
    if (values.has(name)) continue;
    if (option.required) throw new UsageError(`missing option --${name}`);
    if (option.default !== undefined) values.set(name, option.default);
  }
  return new Given(words, values);
}

function findOption(
  options: Readonly<Record<string, IoOption>>,
  arg: string,
): { name: string; option: IoOption; inline: string | undefined; isNegated: boolean } {
  if (arg.startsWith("--")) {
    const [, name = "", inline] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (Object.hasOwn(options, name)) return { name, option: options[name] as IoOption, inline, isNegated: false };
    const positive = name.replace(/^no-/, "");
    const option = Object.hasOwn(options, positive) ? options[positive] : undefined;
    if (positive !== name && option?.type === "flag") return { name: positive, option, inline, isNegated: true };
  } else {
    // the longest first: -mo before -m with the value o
    const shorts = Object.entries(options).filter(([, { short }]) => short !== undefined && arg.startsWith(short));
    const [found] = shorts.sort(([, a], [, b]) => b.short!.length - a.short!.length);
    if (found !== undefined) {
      const [name, option] = found;
      const inline = arg.slice(option.short!.length).replace(/^=/, "");
      if (inline === "" || option.type !== "flag")
        return { name, option, inline: inline || undefined, isNegated: false };
    }
  }
  const known = Object.keys(options).map((name) => `--${name}`);
  const near = nearestNames(arg, known);
  throw new UsageError(
    `unknown option ${arg.split("=")[0]}${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : ""}`,
  );
}

function valueOf(name: string, { type, choices = [] }: IoOption, value: string): string | number {
  if (type === "int") {
    if (!/^-?\d+$/.test(value)) throw new UsageError(`expected a whole number for --${name}, got '${value}'`);
    return Number(value);
  }
  if (type !== "choice") return value;
  const choice = choices.find((each) => each.toLowerCase() === value.toLowerCase());
  if (choice === undefined) throw new UsageError(`expected one of ${choices.join(", ")} for --${name}, got '${value}'`);
  return choice;
}

/** The help of a command. */
export function commandHelp(name: string, command: IoCommand): string {
  const rows = Object.entries({ ...command.options, ...COMMON }).map(([option, spec]): [string, string] => {
    const { type, short, choices, default: preset, required } = spec;
    const long = type === "flag" && preset === true ? `--${option}/--no-${option}` : `--${option}`;
    const value =
      type === "flag" ? "" : type === "choice" ? ` ${choices!.join("|")}` : type === "int" ? " INT" : " TEXT";
    const shown = required ? " (required)" : type !== "flag" && preset !== undefined ? ` (default: ${preset})` : "";
    return [`${short === undefined ? "" : `${short}, `}${long}${value}`, `${spec.does}${shown}`];
  });
  const lines = rows.map(([option, does]) => `  ${option}\n      ${does}`);
  return `Usage: ${[name, ...command.words].join(" ")} [options]

${command.does}

Options:
${lines.join("\n")}
  -h, --help`;
}
