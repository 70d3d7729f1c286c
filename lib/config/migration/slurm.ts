import { shellQuote } from "../shell-quote";

type Section = Readonly<Record<string, unknown>>;

/** What becomes of a `slurm` section of release 1.1 of the Python framework, whose keys were options of `sbatch`. */
export interface SlurmMigration {
  /** The section with the keys of `SlurmConfig`. */
  readonly section: Section;
  /** Old keys and the new ones that they were read as. */
  readonly changes: readonly { readonly key: string; readonly name: string }[];
  /** Old keys whose value has no counterpart. */
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

/** A key that has a new name, and the new value; undefined where the old one cannot be read. */
interface Renamed {
  readonly name: string;
  readonly translate: (value: unknown) => unknown;
  /** What is expected of the old value. */
  readonly expected: string;
}

const same = (name: string): Renamed => ({ name, translate: (value) => value, expected: "a value" });

const renamed: Readonly<Record<string, Renamed>> = {
  job_name: same("name"),
  partition: same("slurm_partition"),
  ntasks_per_node: same("tasks_per_node"),
  mem: { name: "mem_gb", translate: gigabytes, expected: 'memory such as "64GB"' },
  time: { name: "timeout_min", translate: minutes, expected: 'a quoted time such as "1-12:00:00"' },
  // which combinations there are, the command knows
  array: { name: "slurm_array_parallelism", translate: parallelism, expected: 'job indices such as "1-20%5"' },
  env_path: {
    name: "slurm_setup",
    translate: (path) => (typeof path === "string" ? [`source ${scriptPath(path)}`] : undefined),
    expected: "a script that is sourced before training",
  },
};

/** Options of `sbatch` that have no key of their own any more. */
const additional = new Set("ntasks gpus gres reservation begin output error kill_on_invalid_dep nice chdir".split(" "));

/** Translates the keys of release 1.1. */
export function migrateSlurmKeys(input: Section): SlurmMigration {
  const section: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  const changes: { key: string; name: string }[] = [];
  const problems: { key: string; message: string }[] = [];
  for (const [key, value] of Object.entries(input)) {
    const { name, translate, expected } = (Object.hasOwn(renamed, key) && renamed[key]) || same(key);
    if (additional.has(key)) {
      // null meant that the option is not given
      if (value === null) continue;
      extra[key] = typeof value === "boolean" ? (value ? "yes" : "no") : value;
      changes.push({ key, name: `slurm_additional_parameters.${key}` });
    } else if (name === key) section[key] = value;
    else if ((input[name] ?? null) !== null) {
      problems.push({ key, message: `"${key}" is an old name of "${name}": give only one` });
    } else if (value !== null) {
      const translated = translate(value);
      if (translated === undefined) problems.push({ key, message: `expected ${expected}, or ${name} instead` });
      else section[name] = translated;
      changes.push({ key, name });
    }
  }
  if (Object.keys(extra).length > 0) {
    section["slurm_additional_parameters"] = { ...extra, ...(input["slurm_additional_parameters"] as object | null) };
  }
  return { section, changes, problems };
}

/** `64GB`, `512M`, `1.5T`, `0` in GB. A plain number is in MB, as for `sbatch`. */
function gigabytes(text: unknown): number | undefined {
  const [, number, unit] = (typeof text === "string" && /^(\d+(?:\.\d+)?)([KMGT]?)B?$/i.exec(text)) || [];
  if (number === undefined) return undefined;
  const power = "KMGT".indexOf(unit?.toUpperCase() || "M") - 2;
  return Number(number) * 1024 ** power;
}

/**
 * Whole minutes, rounded up, of `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes` or
 * `days-hours:minutes:seconds`; 0 for `UNLIMITED` and `INFINITE`.
 */
function minutes(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  if (/^(UNLIMITED|INFINITE)$/i.test(text)) return 0;
  const [, days, clock] = /^(?:(\d+)-)?(\d+(?::\d+){0,2})$/.exec(text) ?? [];
  if (clock === undefined) return undefined;
  const parts = clock.split(":").map(Number);
  // without days one or two numbers begin with the minutes, else with the hours
  const [hours = 0, mins = 0, seconds = 0] = days === undefined && parts.length < 3 ? [0, ...parts] : parts;
  return Math.ceil(Number(days ?? 0) * 1440 + hours * 60 + mins + seconds / 60);
}

/** `n` of `1-20%n`; null: no limit. */
function parallelism(text: unknown): number | null | undefined {
  const parts = typeof text === "string" ? /^[\d,:-]+(?:%(\d+))?$/.exec(text) : null;
  if (parts === null) return undefined;
  return parts[1] === undefined ? null : Number(parts[1]);
}

/** A path that went through a shell: `~/env` and `$HOME/env` still do. */
function scriptPath(path: string): string {
  return /^~?[\w@%+=:,./${}-]*$/.test(path) ? path : shellQuote(path);
}
