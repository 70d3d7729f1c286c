import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { composeConfig, openFiles, parseOverride, parseOverrides, ConfigError } from "../config";
import { refuseSweepFolders } from "../config/compose/hydra-settings";
import { sweepJobs } from "../config/compose/sweep-jobs";
import { writeValue } from "../config/overrides/override-value";
import { PathProvider } from "../core/providers/path";
import { writeTextFile } from "../core/writers/text-file";
import { printResult } from "./command";
import type { HydraArguments } from "./hydra-arguments";
import { keysOf, RESULTS, resultsCsv, resultsTable, runMetrics, type SweepRow } from "./sweep/results";
import { exitCodeOf, runJobs } from "./sweep/run-jobs";

/** The overrides of each job; those for Hydra go to all. */
export function expandSweeps({ overrides, file, searchPath }: HydraArguments): string[][] {
  const { files, primary } = openFiles({ file, searchPath }, overrides.map(parseOverride));
  refuseSweepFolders(primary.node);
  const own = new Set(parseOverrides(overrides).map(({ text }) => text));
  const forAll = overrides.filter((text) => !own.has(text));
  return sweepJobs(parseOverrides(overrides), files).map((job) => [...forAll, ...job]);
}

/** What of a job's config says where its run goes; null where the config cannot be composed: the job itself will say why. */
function composed(args: HydraArguments, overrides: readonly string[]): Readonly<Record<string, unknown>> | null {
  try {
    return composeConfig({ ...args, overrides }).plain;
  } catch {
    return null;
  }
}

/**
 * Gives jobs of one `run_id` folders of their own: `sweep/0`, `sweep/1`, … (the number of the job). Where the ids differ they
 * stay.
 */
export function separateRuns(args: HydraArguments, jobs: readonly string[][]): string[][] {
  const ids = jobs.map((overrides) => composed(args, overrides)?.["run_id"]);
  return jobs.map((overrides, index) => {
    const id = ids[index];
    const isShared = typeof id === "string" && ids.indexOf(id) !== ids.lastIndexOf(id);
    return isShared ? [...overrides, `++run_id=${writeValue(`${id}/${index}`)}`] : overrides;
  });
}

/** A sweep before it starts. */
export interface SweepPlan {
  /** Its own folder, for `results.csv`; null where no config says where results go. */
  readonly folder: string | null;
  /** The overrides of each job as they were asked for. */
  readonly overrides: readonly string[][];
  /** The same with the folders of the runs. */
  readonly jobs: readonly string[][];
}

/**
 * The jobs of a sweep on this machine, with their folders. Without `run_id` the sweep gets a new id, as a single run does, and its runs are
 * `<id>/0`, `<id>/1`, …; with ids that differ, that folder holds the table only.
 *
 * @param keepsIds - the ids name runs that are there already (evaluation)
 * @throws ConfigError when there is a table of results in the folder
 */
export function planSweep(args: HydraArguments, { keepsIds = false }: { readonly keepsIds?: boolean } = {}): SweepPlan {
  const overrides = expandSweeps(args);
  const configs = overrides.map((job) => composed(args, job));
  const given = configs.map((config) => config?.["run_id"]).filter((id) => typeof id === "string");
  const sweepId = PathProvider.generateRunId();
  let jobs = overrides;
  if (!keepsIds)
    jobs =
      given.length > 0
        ? separateRuns(args, overrides)
        : overrides.map((job, index) => [...job, `++run_id=${writeValue(`${sweepId}/${index}`)}`]);
  const isOne = !keepsIds && new Set(given).size === 1;
  return { folder: sweepFolder(configs, isOne ? given[0]! : sweepId), overrides, jobs };
}

function sweepFolder(configs: readonly ReturnType<typeof composed>[], id: string): string | null {
  const config = configs.find((candidate) => candidate !== null);
  const root = config?.["output_path"] ?? config?.["input_dir"];
  if (typeof root !== "string" || /^\w+:\/\//.test(root)) return null;
  const folder = resolve(root, ...(config?.["debug"] === true ? ["debug"] : []), id);
  if (!existsSync(join(folder, RESULTS))) return folder;
  const message = `expected the id of a new sweep, received "${id}": '${folder}' holds ${RESULTS}; choose another run_id`;
  throw new ConfigError([{ path: "run_id", message }]);
}

/** Options of {@link multirun}. */
export interface MultirunOptions {
  /** The ids of the configs name runs that are there already. Default: false. */
  readonly keepsIds?: boolean;
  /** Whether the jobs leave runs, so that there is a table of results. Default: true. */
  readonly hasResults?: boolean;
}

/**
 * Runs the jobs of a sweep, each in a process of its own, `args.jobs` at a time, and prints a table of their results, which is also in
 * `results.csv` in the folder of the sweep from the end of the first job on.
 *
 * @returns the exit code: that of the first job that failed, else 0
 */
export async function multirun(
  script: string,
  args: HydraArguments,
  { keepsIds = false, hasResults = true }: MultirunOptions = {},
): Promise<number> {
  const { folder, overrides, jobs } = hasResults ? planSweep(args, { keepsIds }) : withoutResults(args);
  const count = jobs.length;
  const searchPath = args.searchPath.flatMap((directory) => ["-cd", directory]);
  const common = [...process.execArgv, script, ...(args.file === undefined ? [] : ["--hp", args.file]), ...searchPath];
  const rows: SweepRow[] = overrides.map((job, index) => ({
    run: index,
    keys: keysOf(job),
    status: "not run",
    seconds: null,
    path: null,
    metrics: {},
  }));
  const table = folder === null ? null : join(folder, RESULTS);

  const end = await runJobs({
    jobs: jobs.map((job) => [...common, ...job]),
    atOnce: args.jobs ?? 1,
    onStart: (index) => console.error(`job ${index + 1} of ${count}: ${jobs[index]!.join(" ")}`),
    onEnd: (index, { status, seconds, runPath }) => {
      const metrics = runPath === null ? {} : runMetrics(runPath);
      rows[index] = { ...rows[index]!, status, seconds, path: runPath, metrics };
      if (table !== null) writeTextFile(table, resultsCsv(rows));
      if (status === "failed") console.error(`job ${index + 1} of ${count} failed`);
    },
  });
  if (hasResults) {
    printResult(resultsTable(rows, process.stdout.columns ?? 120));
    if (table !== null) console.error(`results: ${table}`);
  }
  return exitCodeOf(end);
}

function withoutResults(args: HydraArguments): SweepPlan {
  const overrides = expandSweeps(args);
  return { folder: null, overrides, jobs: overrides };
}
