import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ComposedConfig, summarizeChanges } from "../config";
import { RuntimeError } from "../config/python-errors";
import { loadRunConfig, sbatchScript, slurmFolder } from "../training/runners";
import { sharedSlurmConfig, type SlurmConfig } from "../training/runners/slurm-config";
import { printResult } from "./command";
import { provideOwnModules } from "./own-modules";
import { arrayFolder } from "./sweep/array-task";
import { RESULTS } from "./sweep/results";

/** Runs of one config, each with its overrides. */
export interface Submission {
  /** Absolute path of the config file. */
  readonly file: string;
  /** `-cd` */
  readonly searchPath: readonly string[];
  readonly composed: readonly ComposedConfig[];
  readonly runs: readonly (readonly string[])[];
  /** Print the job script instead. */
  readonly isDryRun: boolean;
}

/**
 * Validates every run, writes the job script and gives it to `sbatch`. Importing this file loads libtorch.
 *
 * @throws ConfigError for a run that could not start, or another `slurm` section than the first run's
 */
export async function submitRuns({ file, searchPath, composed, runs, isDryRun }: Submission): Promise<void> {
  provideOwnModules();
  const { slurm, first } = await validate(composed, runs);
  const directories = searchPath.flatMap((directory) => ["-cd", directory]);
  const script = sbatchScript({
    slurm,
    title: `${count(runs.length, "run")} of ${file}, by noether-train-submit-job`,
    directory: process.cwd(),
    command: [process.execPath, ...process.execArgv, join(__dirname, "noether-train.js"), "--hp", file, ...directories],
    runs,
  });
  const folder = slurmFolder(slurm);
  if (isDryRun) {
    printResult(script);
    console.error(`dry run: nothing is submitted; scripts and logs would go to ${folder}`);
    return;
  }
  const id = submit(script, folder);
  const tasks = runs.length > 1 ? runs.map((overrides, index) => `  ${id}_${index}  ${overrides.join(" ")}\n`) : [];
  printResult(`Submitted job ${id}\n${tasks.join("")}`);
  if (runs.length > 1) console.error(`results, as runs end: ${join(arrayFolder(first, 0, id), RESULTS)}`);
  console.error(`scripts and logs: ${folder}`);
}

/** The `slurm` section of the runs, all of which could start, and where the first one goes. */
async function validate(
  composed: readonly ComposedConfig[],
  runs: Submission["runs"],
): Promise<{ readonly slurm: SlurmConfig; readonly first: Parameters<typeof arrayFolder>[0] }> {
  const labels = runs.map((overrides, index) => `[${index + 1}/${runs.length}] ${overrides.join(" ")}`);
  const sections: (SlurmConfig | null)[] = [];
  let first: Parameters<typeof arrayFolder>[0] | null = null;
  for (const [index, run] of composed.entries()) {
    if (runs.length > 1) console.error(labels[index]);
    const { config, changes = [] } = await loadRunConfig(run, {});
    if (index === 0) for (const line of summarizeChanges(changes)) console.error(line);
    first ??= { outputRoot: config.output_path, runId: config.run_id ?? "", debug: config.debug };
    sections.push(config.slurm);
  }
  const slurm = sharedSlurmConfig(sections, labels);
  if (runs.length > 1) console.error(`all ${runs.length} runs are valid`);
  return { slurm, first: first! };
}

/** @returns the id of the job */
function submit(script: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `submission_${process.pid}_${Date.now().toString(36)}.sh`);
  writeFileSync(path, script, { mode: 0o700, flag: "wx" });
  const { error, status, signal, stdout } = spawnSync("sbatch", ["--parsable", path], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const id = /^\d+/.exec(stdout ?? "")?.[0];
  if (status === 0 && id !== undefined) {
    renameSync(path, join(folder, `${id}_submission.sh`));
    return id;
  }
  rmSync(path);
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
    throw new RuntimeError(
      "expected sbatch on the PATH, found none: run this on a login node of the cluster; --dry-run prints the script",
    );
  throw new RuntimeError(
    `sbatch failed (${error?.message ?? (signal === null ? `exit code ${status}` : `signal ${signal}`)})${stdout ? `: ${stdout.trim()}` : ""}`,
  );
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
