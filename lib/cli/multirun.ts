import { spawnSync } from "node:child_process";
import { parseOverrides, Sweep } from "../config";
import { ConfigFiles } from "../config/compose/config-files";
import { plain, type ValueTree } from "../config/overrides/override-value";
import { ConfigError } from "../config/errors";
import { dirname } from "node:path";
import type { HydraArguments } from "./hydra-arguments";

/** A value as it is written behind `=`. */
function writeValue(value: ValueTree): string {
  if (typeof value === "string") return /^[\w./:+%@-]+$/.test(value) ? value : `'${value.replaceAll("'", "\\'")}'`;
  const text = plain(value);
  if (Array.isArray(value)) return `[${value.map(writeValue).join(",")}]`;
  if (typeof text === "object" && text !== null) {
    return `{${Object.entries(value as Record<string, ValueTree>)
      .map(([key, item]) => `${key}:${writeValue(item)}`)
      .join(",")}}`;
  }
  return String(text);
}

/** Options of a group that match shell patterns: `model=glob(*)`. */
function globOptions(sweep: Sweep, group: string, files: ConfigFiles | undefined): ValueTree[] {
  const matcher = (pattern: ValueTree) =>
    new RegExp(
      `^${String(pattern)
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
    );
  const include = sweep.values.map(matcher);
  const exclude = sweep.exclude.map(matcher);
  return (files?.options(group) ?? []).filter(
    (name) => include.some((p) => p.test(name)) && !exclude.some((p) => p.test(name)),
  );
}

/** The overrides of each job of a sweep: every combination, the last one varying fastest. */
export function expandSweeps({ overrides, file, searchPath }: HydraArguments): string[][] {
  const files = file === undefined ? undefined : new ConfigFiles([dirname(file), ...searchPath]);
  let jobs: string[][] = [[]];
  for (const override of parseOverrides(overrides)) {
    const head = override.text.slice(0, override.text.indexOf("=") + 1);
    let choices = [override.text];
    if (override.value instanceof Sweep) {
      const { kind } = override.value;
      if (kind === "interval")
        throw new ConfigError([
          {
            path: override.key,
            message: "expected values to choose from: interval() has none",
            location: { file: `override "${override.text}"` },
          },
        ]);
      const values = kind === "glob" ? globOptions(override.value, override.key, files) : override.value.values;
      choices = values.map((value) => `${head}${writeValue(value)}`);
    }
    jobs = jobs.flatMap((job) => choices.map((choice) => [...job, choice]));
  }
  return jobs;
}

/**
 * Runs the jobs of a sweep one after the other, each in a process of its own.
 *
 * @returns the exit code: that of the first job that failed, else 0
 */
export function multirun(script: string, args: HydraArguments): number {
  const jobs = expandSweeps(args);
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
