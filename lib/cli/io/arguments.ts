/** What several commands take and print. */
import { statSync } from "node:fs";
import { FailAction, fmtBytes, resolveDir } from "../../io";
import { relativePath } from "../../io/files/safe-path";
import { expectWorkers } from "../../io/parallel";
import { printResult } from "../command";
import { UsageError } from "../hydra-arguments";
import { choice, flag, parsed, text } from "../options";

/** Filters by the path: `*` within a name, `**` across folders. */
export const FILTERS = {
  include: text({
    value: "GLOB",
    does: "only paths that match: * within a name, ** across folders, ? one character",
  }),
  exclude: text({ value: "GLOB", does: "no paths that match" }),
};

export const DRY_RUN = flag({ default: false, does: "list files and sizes, fetch nothing" });
/**
 * A number of at least 1. Less is no bad usage but a failure (exit code 1), as in the Python framework.
 *
 * @throws InvalidInputError for less than 1
 */
export const atLeastOne = <const S extends { readonly short?: string; readonly value: string; readonly does: string }>(
  spec: S,
) =>
  parsed({ ...spec, default: 8, expected: "a whole number of at least 1" }, (given, name) => {
    if (!/^[+-]?\d+$/.test(given)) return undefined;
    expectWorkers(Number(given), `--${name}`);
    return Number(given);
  });
export const JOBS = atLeastOne({ short: "j", value: "N", does: "files or requests at a time" });
export const NO_ETAG = flag({
  default: true,
  does: "compare content with ETags that are an MD5; for servers whose ETags are something else: --no-verify-etag",
});

/** What to do about files that are not as a manifest says. */
export const actionOption = (does: string) =>
  choice(Object.values(FailAction), { short: "a", default: FailAction.WARN, does });

/** The filter of `--include` and `--exclude`. */
export function pathFilter(include: string | undefined, exclude: string | undefined): (path: string) => boolean {
  const [only, not] = [include, exclude].map((pattern) => (pattern === undefined ? null : globPattern(pattern)));
  return (path) => (only?.test(path) ?? true) && !not?.test(path);
}

function globPattern(glob: string): RegExp {
  const source = glob.replace(/\*\*\/?|\*|\?|[.+^${}()|[\]\\]/g, (token) => {
    if (token.startsWith("**")) return token.endsWith("/") ? "(?:.*/)?" : ".*";
    return { "*": "[^/]*", "?": "[^/]" }[token] ?? `\\${token}`;
  });
  return new RegExp(`^${source}$`, "s");
}

/** A folder that is made where it is missing. */
export function folderArgument(path: string, name: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(`${name}: '${path}' is a file, expected a folder`);
  return resolveDir(path);
}

/** A line on standard output. */
export function say(line: string): void {
  printResult(`${line}\n`);
}

/**
 * What would be fetched.
 *
 * @throws InvalidInputError for a name that fetching would refuse, and that a terminal would obey
 */
export function sayDryRun(source: string, files: readonly { readonly path: string; readonly size: number }[]): void {
  for (const { path } of files) relativePath(path);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  say(`[dry-run] ${source} → ${files.length} files, ~${fmtBytes(total)}`);
  for (const { path, size } of files) say(`  ${fmtBytes(size).padStart(12)}  ${path}`);
}
