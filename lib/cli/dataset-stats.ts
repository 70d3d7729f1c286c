/** `noether-dataset-stats`, `noether-ts data stats`: mean, deviation and limits of each field of a data set. */
import { resolve } from "node:path";
import { EXIT, packageVersion, printResult } from "./command";
import { UsageError } from "./hydra-arguments";
import { optionLine } from "./option-line";

const FORMATS = ["2026.4", "1.1"] as const;

/** What the command is to do. */
export interface DatasetStatsOptions {
  readonly kind: string;
  /** Null: `train`, where the data set needs one. */
  readonly split: string | null;
  readonly logScale: readonly string[];
  readonly exclude: readonly string[];
  /** Absolute; null: the statistics are only printed. */
  readonly output: string | null;
  readonly format: (typeof FORMATS)[number];
  /** Samples that are read at a time besides the one that is worked on. */
  readonly ahead: number;
  /** Options of the data set as they were written; null: no value. */
  readonly config: ReadonlyMap<string, string | null>;
}

/** Its own options: what is read, and what the help says. */
const OPTIONS = {
  dataset_kind: {
    value: "KIND",
    does: "class of the data set: a built-in kind, or your own, ./my-dataset.ts#MyDataset",
  },
  split: { value: "NAME", does: "(default: train, where the data set needs one)" },
  log_scale: { value: "A,B", does: "fields whose statistics are of sign(x) log(1 + |x|)" },
  exclude_attributes: { value: "A,B", does: "fields that are left out" },
  output_json: {
    value: "FILE",
    does: "also write them: JSON, or YAML if FILE ends so. A data set reads the file as its statistics",
  },
  json_format: { value: FORMATS.join("|"), does: `in the form of that release (default: ${FORMATS[0]})` },
  num_workers: { value: "N", does: "samples that are read at a time (default: 0, one)" },
} as const;

const usage = `Usage: noether-dataset-stats --dataset_kind KIND [options]

Reads a data set once and prints mean, standard deviation, variance, minimum
and maximum of each field, per channel, of the values as they are stored.

${Object.entries(OPTIONS)
  .map(([name, { value, does }]) => optionLine(`--${name} ${value}`, does))
  .join("\n")}
  --version
  -h, --help

Every other option is one of the data set's config:
  --root data/cars      a flag alone means true; lists as in YAML
  --excluded_properties '[surface_area]'

A file is written at the end, when nothing failed; Ctrl-C leaves an older one
as it is. Also: noether-ts data stats
Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted.
NOETHER_FULL_ERROR=1 shows the stack of an error.`;

/** Runs the command; returns the exit code. */
export async function datasetStats(args: readonly string[]): Promise<number> {
  if (args.length === 0) {
    console.error(usage);
    return EXIT.usage;
  }
  const options = parseDatasetStats(args);
  if (options === "help" || options === "version") {
    printResult(`${options === "help" ? usage : packageVersion()}\n`);
    return EXIT.ok;
  }
  // only now, so that a mistake in the options shows at once; with extension, since a built file imports it natively
  const { runDatasetStats } = await import("./run-dataset-stats.js");
  return runDatasetStats(options);
}

/**
 * Reads `--key=value`, `--key value` and `--flag`.
 *
 * @throws UsageError for words that are no options, options without their value, and values that cannot be
 */
export function parseDatasetStats(args: readonly string[]): DatasetStatsOptions | "help" | "version" {
  const config = new Map<string, string | null>();
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === "--help" || arg === "-h") return "help";
    if (arg === "--version") return "version";
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) throw new UsageError(`expected --option value, received "${arg}"`);
    const next = args[index + 1];
    const isValue = next !== undefined && (!next.startsWith("-") || /^-\.?\d/.test(next));
    const key = name.replaceAll("-", "_");
    if (config.has(key)) throw new UsageError(`--${name} is given twice`);
    if (inline === undefined && isValue) index++;
    config.set(key, inline ?? (isValue ? next : null));
  }

  // `kind`: as release 2026.4 has it
  const take = (name: keyof typeof OPTIONS | "kind"): string | null => {
    const value = config.get(name);
    if (value === null || value === "") throw new UsageError(`--${name} needs a value`);
    config.delete(name);
    return value ?? null;
  };
  const names = (name: keyof typeof OPTIONS): string[] =>
    (take(name) ?? "")
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  const kind = take("dataset_kind");
  if (kind === null) throw new UsageError("expected --dataset_kind, the class of the data set");
  // release 2026.4 works only where it is given once more
  const again = take("kind");
  if (again !== null && again !== kind)
    throw new UsageError(`expected one class of data sets, received --dataset_kind ${kind} and --kind ${again}`);
  const workers = take("num_workers") ?? "0";
  if (!/^\d{1,3}$/.test(workers))
    throw new UsageError(`expected a number of samples from 0 to 999 as --num_workers, received "${workers}"`);
  const wanted = take("json_format") ?? "2026.4";
  const format = FORMATS.find((known) => known === wanted);
  if (format === undefined)
    throw new UsageError(`expected ${FORMATS.join(" or ")} as --json_format, received "${wanted}"`);
  const output = take("output_json");
  return {
    kind,
    split: take("split"),
    logScale: names("log_scale"),
    exclude: names("exclude_attributes"),
    output: output === null ? null : resolve(output),
    format,
    ahead: Math.max(0, Number(workers) - 1),
    config,
  };
}
