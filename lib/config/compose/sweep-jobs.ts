import { ConfigError } from "../errors";
import type { ConfigFiles } from "./config-files";
import { sweepValues } from "../overrides/functions";
import type { Override } from "../overrides/override";
import {
  GlobSweep,
  IntervalSweep,
  isSweepValue,
  writeValue,
  type Sweep,
  type ValueTree,
} from "../overrides/override-value";

/** The most jobs of one sweep. */
const MAX_JOBS = 10_000;
const PREFIXES = { change: "", add: "+", force: "++", delete: "~" } as const;

/**
 * The overrides of each job of a sweep, as Hydra's basic sweeper makes them: every combination, the last one varying
 * fastest. Of two overrides of one key the later counts.
 *
 * @param files - where the options of `glob(…)` are looked up
 * @throws ConfigError that names the override
 */
export function sweepJobs(overrides: readonly Override[], files: ConfigFiles | undefined): string[][] {
  const choices = new Map<string, readonly string[]>();
  for (const override of overrides) {
    const { type, key, package: pkg, value } = override;
    const name = `${PREFIXES[type]}${key}${pkg === undefined ? "" : `@${pkg}`}`;
    const texts = isSweepValue(value) ? valuesOf(override, value, files) : value === undefined ? undefined : [value];
    choices.set(name, texts?.map((item) => `${name}=${write(override, item)}`) ?? [name]);
  }
  const count = [...choices.values()].reduce((product, { length }) => product * length, 1);
  if (count > MAX_JOBS) throw new ConfigError(`expected a sweep of at most ${MAX_JOBS} jobs, received ${count}`);
  return [...choices.values()].reduce<string[][]>(
    (jobs, texts) => jobs.flatMap((job) => texts.map((text) => [...job, text])),
    [[]],
  );
}

function valuesOf(override: Override, sweep: Sweep, files: ConfigFiles | undefined): readonly ValueTree[] {
  if (sweep instanceof GlobSweep) return globOptions(sweep, files?.options(override.key) ?? []);
  if (sweep instanceof IntervalSweep) throw problem(override, "expected values to choose from: interval() has none");
  try {
    return sweepValues(sweep);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw problem(override, `expected a finite range, received one with ${error.message}`);
  }
}

function write(override: Override, value: ValueTree): string {
  try {
    return writeValue(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw problem(override, `expected values to choose from, received ${error.message}; write its values one by one`);
  }
}

function problem({ key, text }: Override, message: string): ConfigError {
  return new ConfigError([{ path: key, message, location: { file: `override "${text}"` } }]);
}

/** Options of a group that match shell patterns: `model=glob(*)`. */
function globOptions({ include, exclude }: GlobSweep, options: readonly string[]): readonly string[] {
  const [wanted, unwanted] = [include.map(matcher), exclude.map(matcher)];
  return options.filter(
    (name) => wanted.some((pattern) => pattern.test(name)) && !unwanted.some((pattern) => pattern.test(name)),
  );
}

/** `*`, `?`, `[abc]` and `[!abc]`. */
function matcher(pattern: string): RegExp {
  const source = pattern.replace(/\[!?[^\]]+\]|[^]/g, (piece) => {
    if (piece === "*") return ".*";
    if (piece === "?") return ".";
    if (piece.length === 1) return piece.replace(/[.+^${}()|[\]\\/-]/, "\\$&");
    const set = piece.slice(1, -1).replaceAll("\\", "\\\\");
    return `[${set.startsWith("!") ? `^${set.slice(1)}` : set.replace(/^\^/, "\\^")}]`;
  });
  return new RegExp(`^(?:${source})$`, "s");
}
