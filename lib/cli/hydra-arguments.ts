import { resolve } from "node:path";
import { nearestNames } from "../config/nearest-names";
import { isFolder } from "./is-folder";
import { optionLine } from "./option-line";

/** What a Hydra-style command line asks for. */
export interface HydraArguments {
  /** Absolute path of the primary config file. */
  readonly file?: string;
  readonly overrides: readonly string[];
  /** `-cd`: another directory with config groups. */
  readonly searchPath: readonly string[];
  /** `run`, or only show something. */
  readonly action: "run" | "multirun" | "show-config" | "info" | "help" | "version";
  /** `--resolve`: show the config with its interpolations resolved. */
  readonly resolve: boolean;
  /** `--package`: show only this part of the config. */
  readonly package?: string;
  /** `+jobs=n` of a sweep: jobs at a time. */
  readonly jobs?: number;
}

/** A command line that makes no sense; `exitCode` 2. */
export class UsageError extends Error {
  readonly code = "USAGE";
}

/** A flag of Hydra's command line. */
interface HydraFlag {
  readonly names: readonly string[];
  /** Where the value goes; null: it takes none. */
  readonly key: "hp" | "path" | "name" | "directory" | "cfg" | "package" | null;
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly does: string;
}

/** What is read, and what the help says. */
const FLAGS: readonly HydraFlag[] = [
  { names: ["--hp"], key: "hp", value: "FILE", does: "the config file, if it is not the first argument" },
  { names: ["-cp", "--config-path"], key: "path", value: "DIR", does: "its folder, together with its name:" },
  { names: ["-cn", "--config-name"], key: "name", value: "NAME", does: "with or without .yaml" },
  { names: ["-cd", "--config-dir"], key: "directory", value: "DIR", does: "a further directory with config groups" },
  { names: ["-c", "--cfg"], key: "cfg", value: "job", does: "print the composed config and stop" },
  { names: ["-p", "--package"], key: "package", value: "KEY", does: "with --cfg: this part of it" },
  { names: ["--resolve"], key: null, does: "with --cfg: with interpolations resolved" },
  { names: ["-i", "--info"], key: null, does: "print the files that make up the config and stop" },
  {
    names: ["-m", "--multirun"],
    key: null,
    does: "one run for each of a,b choice(a,b) range(3) glob(*); +jobs=n runs n at a time; a table of results at the end, also in OUTPUT_PATH/SWEEP/results.csv",
  },
  { names: ["-r", "--run"], key: null, does: "one run, as without it" },
  { names: ["--version"], key: null, does: "print the version of this package" },
  { names: ["-h", "--help"], key: null, does: "this text" },
];

/** The flags, for the help of commands that take a config. */
export const HYDRA_FLAGS_HELP = FLAGS.map(({ names, value, does }) =>
  optionLine(`${names.join(", ")}${value === undefined ? "" : ` ${value}`}`, does),
).join("\n");

const VALUE_FLAGS = new Map(FLAGS.flatMap(({ names, key }) => (key === null ? [] : names.map((name) => [name, key]))));
const PLAIN_FLAGS = FLAGS.flatMap(({ names, key }) => (key === null ? names : []));

/**
 * Reads the arguments of `noether-train` and `noether-eval`: a config file as the first
 * argument or after `--hp`, overrides anywhere, and Hydra's flags.
 *
 * @param otherFlags - flags of the command's own, which it has read; the nearest name of a misspelt one may be among them
 * @throws UsageError for unknown flags, flags without their value and files that are not `.yaml`
 */
export function parseHydraArguments(
  args: readonly string[],
  cwd: string = process.cwd(),
  otherFlags: readonly string[] = [],
): HydraArguments {
  const values: Partial<Record<NonNullable<HydraFlag["key"]>, string>> = {};
  const overrides: string[] = [];
  let jobs: string | undefined;
  const flags = new Set<string>();
  let positional: string | undefined;

  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    const [flag = "", inline] = arg.startsWith("--") ? splitOnce(arg) : [arg];
    const name = VALUE_FLAGS.get(flag);
    if (name !== undefined) {
      const value = inline ?? args[++index];
      if (value === undefined) throw new UsageError(`expected a value after ${flag}`);
      values[name] = value;
    } else if (otherFlags.includes(arg)) {
      continue;
    } else if (PLAIN_FLAGS.includes(flag)) {
      flags.add(flag);
      if (flag === "--info" || flag === "-i") {
        const what =
          inline ?? /^(all|config|defaults|defaults-tree|plugins|searchpath)$/.exec(args[index + 1] ?? "")?.[0];
        if (what !== undefined && !["all", "config", "defaults"].includes(what))
          throw new UsageError(`expected --info, which shows the files of the config, received --info ${what}`);
        if (inline === undefined && what !== undefined) index++;
      }
    } else if (arg.startsWith("-")) {
      const near = nearestNames(flag, [...VALUE_FLAGS.keys(), ...PLAIN_FLAGS, ...otherFlags]);
      throw new UsageError(`unknown flag ${flag}${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : ""}`);
    } else if (positional === undefined && overrides.length === 0 && /\.ya?ml$/.test(arg)) positional = arg;
    else if (/\.ya?ml$/.test(arg) && !arg.includes("="))
      throw new UsageError(`expected the config file as the first argument or after --hp, received "${arg}" later`);
    else if (arg.startsWith("+jobs=")) jobs = arg.slice("+jobs=".length);
    else overrides.push(arg);
  }
  if (values.cfg !== undefined && values.cfg !== "job")
    throw new UsageError(`expected --cfg job, received "${values.cfg}": Hydra itself has no configuration here`);
  if (values.cfg === undefined && (flags.has("--resolve") || values.package !== undefined))
    throw new UsageError(
      `expected --cfg job with ${flags.has("--resolve") ? "--resolve" : "--package"}, which shows the config`,
    );
  if (values.directory !== undefined && !isFolder(resolve(cwd, values.directory)))
    throw new UsageError(`expected a folder with config groups after --config-dir, received "${values.directory}"`);
  const sweeps = flags.has("--multirun") || flags.has("-m");
  if (jobs !== undefined && !sweeps) throw new UsageError("expected +jobs=n, jobs at a time, together with --multirun");
  if (jobs !== undefined && !/^[1-9]\d{0,3}$/.test(jobs))
    throw new UsageError(`expected +jobs=n with a number of jobs at a time, received "+jobs=${jobs}"`);
  const is = (...names: string[]) => names.some((flag) => flags.has(flag));
  const [word] = overrides;
  if (positional === undefined && values.hp === undefined && values.name === undefined && word !== undefined) {
    // what stands where the config file belongs and is no override
    if (!word.includes("=") && !word.startsWith("~"))
      throw new UsageError(`expected a config file (.yaml) or key=value, received "${word}"`);
  }
  if (positional !== undefined && (values.hp ?? values.name) !== undefined)
    throw new UsageError(`expected one config file, received "${positional}" and "${values.hp ?? values.name}"`);
  return {
    file: configFile(positional ?? values.hp, values.path, values.name, cwd),
    overrides,
    searchPath: values.directory === undefined ? [] : [resolve(cwd, values.directory)],
    action: is("--help", "-h")
      ? "help"
      : is("--version")
        ? "version"
        : values.cfg !== undefined
          ? "show-config"
          : is("--info", "-i")
            ? "info"
            : sweeps
              ? "multirun"
              : "run",
    resolve: is("--resolve"),
    package: values.package,
    ...(jobs === undefined ? {} : { jobs: Number(jobs) }),
  };
}

function splitOnce(arg: string): [string, string?] {
  const equals = arg.indexOf("=");
  return equals < 0 ? [arg] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

function configFile(
  path: string | undefined,
  directory: string | undefined,
  name: string | undefined,
  cwd: string,
): string | undefined {
  if (path !== undefined) {
    if (!/\.ya?ml$/.test(path)) throw new UsageError(`expected a .yaml file, received "${path}"`);
    return resolve(cwd, path);
  }
  if (name === undefined) {
    if (directory !== undefined) throw new UsageError("expected --config-name together with --config-path");
    return undefined;
  }
  return resolve(cwd, directory ?? ".", /\.ya?ml$/.test(name) ? name : `${name}.yaml`);
}

/**
 * The config file of a command that needs one.
 *
 * @throws UsageError when there is none, and the overrides do not make a config by themselves
 */
export function requireFile({ file, overrides }: HydraArguments): void {
  if (file !== undefined || overrides.some((text) => text.startsWith("+"))) return;
  throw new UsageError("expected a config file (.yaml) as first argument");
}
