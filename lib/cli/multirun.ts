import { spawnSync } from "node:child_process";
import { composeConfig, openFiles, parseOverride, parseOverrides } from "../config";
import { refuseSweepFolders } from "../config/compose/hydra-settings";
import { sweepJobs } from "../config/compose/sweep-jobs";
import { writeValue } from "../config/overrides/override-value";
import type { HydraArguments } from "./hydra-arguments";

/** The overrides of each job; those for Hydra go to all. */
export function expandSweeps({ overrides, file, searchPath }: HydraArguments): string[][] {
  const { files, primary } = openFiles({ file, searchPath }, overrides.map(parseOverride));
  refuseSweepFolders(primary.node);
  const own = new Set(parseOverrides(overrides).map(({ text }) => text));
  const forAll = overrides.filter((text) => !own.has(text));
  return sweepJobs(parseOverrides(overrides), files).map((job) => [...forAll, ...job]);
}

/**
 * Gives jobs of one `run_id` folders of their own: `sweep/0`, `sweep/1`, … (the number of the job). Where the ids differ they
 * stay.
 */
export function separateRuns(args: HydraArguments, jobs: readonly string[][]): string[][] {
  const ids = jobs.map((overrides) => {
    try {
      return composeConfig({ ...args, overrides }).plain["run_id"];
    } catch {
      return null; // the job itself will say what is wrong
    }
  });
  return jobs.map((overrides, index) => {
    const id = ids[index];
    const isShared = typeof id === "string" && ids.indexOf(id) !== ids.lastIndexOf(id);
    return isShared ? [...overrides, `++run_id=${writeValue(`${id}/${index}`)}`] : overrides;
  });
}

/**
 * Runs the jobs of a sweep one after the other, each in a process of its own.
 *
 * @returns the exit code: that of the first job that failed, else 0
 */
export function multirun(script: string, args: HydraArguments): number {
  const jobs = separateRuns(args, expandSweeps(args));
  let exitCode = 0;
  jobs.forEach((overrides, index) => {
    console.error(`job ${index + 1} of ${jobs.length}: ${overrides.join(" ")}`);
    const searchPath = args.searchPath.flatMap((directory) => ["-cd", directory]);
    const own = [...(args.file === undefined ? [] : ["--hp", args.file]), ...searchPath, ...overrides];
    const { status, signal } = spawnSync(process.execPath, [...process.execArgv, script, ...own], { stdio: "inherit" });
    if (signal !== null) process.kill(process.pid, signal);
    if (status !== 0 && exitCode === 0) exitCode = status ?? 1;
  });
  return exitCode;
}
