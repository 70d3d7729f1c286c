import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ValueError } from "../../config/python-errors";
import { isSecretName } from "../../io/redact";
import { shellQuote } from "../../config/shell-quote";
import { directiveName, hasSeveralTasks, slurmFolder, type SlurmConfig } from "./slurm-config";

/** Variable that tells the tasks of an array how many runs their sweep has. */
export const SWEEP_RUNS = "NOETHER_SWEEP_RUNS";

/** What a job script runs. */
export interface SbatchJob {
  readonly slurm: SlurmConfig;
  /** What the first line says that it is. */
  readonly title: string;
  /** Where it runs; a `chdir` in the config is relative to it. */
  readonly directory: string;
  /** The words of the command that trains, without overrides. */
  readonly command: readonly string[];
  /** The overrides of each run. Several are the tasks of an array. */
  readonly runs: readonly (readonly string[])[];
}

/** The options of `sbatch` that a {@link SlurmConfig} stands for, in the order of the script. */
export function sbatchOptions(slurm: SlurmConfig, runs: number): [name: string, value: string | number | true][] {
  const additional = Object.entries(slurm.slurm_additional_parameters ?? {}).map(
    ([key, value]): [string, string | number | true] => [directiveName(key), value as string | number | true],
  );
  const given = new Set(additional.map(([name]) => name));
  // Slurm takes every other % for a placeholder
  const log = join(slurmFolder(slurm).replaceAll("%", "%%"), runs > 1 ? "%A_%a_log" : "%j_log");
  const isOwnLog = !given.has("output") && !given.has("error");
  const limit = slurm.slurm_array_parallelism === null ? "" : `%${slurm.slurm_array_parallelism}`;
  const options: [string, string | number | true | null][] = [
    ["job-name", slurm.name ?? "noether-train"],
    ["partition", slurm.slurm_partition],
    ["nodes", slurm.nodes],
    ["ntasks-per-node", slurm.tasks_per_node],
    ["cpus-per-task", slurm.cpus_per_task],
    ["gpus-per-node", slurm.gpus_per_node],
    // sbatch takes whole numbers
    ["mem", slurm.mem_gb === null ? null : `${Math.ceil(slurm.mem_gb * 1024)}M`],
    ["time", slurm.timeout_min],
    ["array", runs > 1 ? `0-${runs - 1}${limit}` : null],
    ["output", isOwnLog ? `${log}.out` : null],
    ["error", isOwnLog && slurm.stderr_to_stdout !== true ? `${log}.err` : null],
    ...additional.filter(([name]) => name !== "chdir"),
  ];
  return options.filter((option): option is [string, string | number | true] => option[1] !== null);
}

/**
 * The script that `sbatch` takes: its options, the shell lines of `slurm_setup`, and the command. The process that trains takes
 * the place of the shell, so that it gets the signals that Slurm sends.
 *
 * @throws ValueError when the script would hold a secret
 */
export function sbatchScript({ slurm, title, directory, command, runs }: SbatchJob): string {
  const options = sbatchOptions(slurm, runs.length);
  const setup = slurm.slurm_setup ?? [];
  refuseSecrets([...options.map(([, value]) => String(value)), ...setup, ...command, ...runs.flat()]);
  const words = (list: readonly string[]) => list.map(shellQuote).join(" ");
  // one process for each task; when one fails, Slurm ends the others
  const program = words(hasSeveralTasks(slurm) ? ["srun", "--kill-on-bad-exit=1", ...command] : command);
  const chdir = slurm.slurm_additional_parameters?.["chdir"];
  const train =
    runs.length === 1
      ? [`exec ${[program, words(runs[0]!)].join(" ").trimEnd()}`]
      : [
          `export ${SWEEP_RUNS}=${runs.length}`,
          'case "$SLURM_ARRAY_TASK_ID" in',
          ...runs.map((overrides, index) => `  ${index}) overrides=(${words(overrides)}) ;;`),
          '  *) echo "there is no run $SLURM_ARRAY_TASK_ID" >&2; exit 2 ;;',
          "esac",
          `exec ${program} "\${overrides[@]}"`,
        ];
  return [
    "#!/bin/bash",
    // JSON, so that it stays one line
    `# ${JSON.stringify(title).slice(1, -1)}`,
    ...options.map(([name, value]) => `#SBATCH --${name}${value === true ? "" : `=${directiveValue(String(value))}`}`),
    "",
    `cd -- ${shellQuote(resolve(directory, typeof chdir === "string" ? chdir : ""))} || exit`,
    ...setup,
    ...train,
    "",
  ].join("\n");
}

/** A value as `sbatch` reads it from a script: in quotes only `\` and `"` mean something. */
function directiveValue(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Jobs inherit the environment of the submission: a secret has no need to be in a script that others may read. */
function refuseSecrets(parts: readonly string[]): void {
  for (const [name, value] of Object.entries(process.env)) {
    // a path is where a secret is, and a short text may be anything
    if (value === undefined || value.length < 8 || !isSecretName(name) || existsSync(value)) continue;
    if (!parts.some((part) => part.includes(value))) continue;
    throw new ValueError(
      `expected no secret in the job script, but it would hold the value of the environment variable ${name}: the job inherits that variable, so leave it out, or let the job read it with \${oc.env:${name}} outside of the slurm section`,
    );
  }
  for (const part of parts) {
    const [, key = "", value = ""] = /^\+{0,2}([\w.]+)=(.+)$/s.exec(part) ?? [];
    if (!isSecretName(key) || /^(null|true|false|[\d.]+|.*\$\{.*)$/s.test(value)) continue;
    throw new ValueError(
      `expected no secret in the job script, but it would hold ${key}: put it into an environment variable, which the job inherits, and write ${key}='\${oc.env:NAME}'`,
    );
  }
}
