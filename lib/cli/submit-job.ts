/** `noether-train-submit-job`, `noether-ts train-submit-job`: hands runs to Slurm. */
import { composeConfig } from "../config";
import { SLURM_KEYS } from "./config-keys.generated";
import { UsageError, type HydraArguments } from "./hydra-arguments";
import { runHydraCommand } from "./hydra-command";
import { expandSweeps, separateRuns } from "./multirun";
import { keyLines } from "./option-line";

const usage = `Usage: noether-train-submit-job CONFIG.yaml [key=value ...] [--dry-run]
       noether-train-submit-job CONFIG.yaml -m key=a,b ... [--dry-run]

Checks a config as noether-train does, writes a job script and gives it to
sbatch. The job trains in this directory, with the environment of this shell.
-m makes an array with one task for each combination; +jobs=n runs n at a
time (slurm_array_parallelism).

  --dry-run             print the script and stop; nothing is written

The section "slurm" of the config says how:
${keyLines(SLURM_KEYS)}

Logs: FOLDER/JOB_log.out and .err, of an array FOLDER/JOB_TASK_log.out.
Prints "Submitted job ID". The options and overrides are those of
noether-train. Secrets belong into environment variables, never into the
command. Also: noether-ts train-submit-job CONFIG.yaml
Exit codes: 0 done, 1 failed, 2 bad usage.
NOETHER_FULL_ERROR=1 shows the stack of an error.`;

/** Runs the command; returns the exit code. */
export function submitJob(args: readonly string[]): Promise<number> {
  const isDryRun = args.includes("--dry-run");
  const submit = async (parsed: HydraArguments, runs: readonly (readonly string[])[]): Promise<void> => {
    if (parsed.file === undefined) throw new UsageError("expected a config file (.yaml) as first argument");
    const composed = runs.map((overrides) => composeConfig({ ...parsed, overrides }));
    // only now, so that a mistake in a config shows at once; with extension, since a built file imports it natively
    const { submitRuns } = await import("./run-submission.js");
    await submitRuns({ file: parsed.file, searchPath: parsed.searchPath, composed, runs, isDryRun });
  };
  return runHydraCommand(args, {
    usage,
    flags: ["--dry-run"],
    run: (parsed) => submit(parsed, [parsed.overrides]),
    multirun: async (parsed) => {
      const atOnce = parsed.jobs === undefined ? [] : [`++slurm.slurm_array_parallelism=${parsed.jobs}`];
      const runs = separateRuns(parsed, expandSweeps(parsed));
      await submit(
        parsed,
        runs.map((overrides) => [...overrides, ...atOnce]),
      );
      return 0;
    },
  });
}
