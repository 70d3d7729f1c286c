import { userInfo } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";
import { ConfigError } from "../../config/errors";
import {
  any,
  bool,
  customType,
  defineConfig,
  delegate,
  float,
  int,
  isConfig,
  isMapping,
  list,
  mapping,
  optional,
  refuse,
  report,
  str,
} from "../../config/schema";
import { migrateSlurmKeys } from "../../config/migration/slurm";

/** Text that fits into one line of a job script. */
const line = customType<string>((input, context) =>
  typeof input === "string" && !/\p{Cc}/u.test(input) ? input : refuse(context, input, "one line of text"),
);

/** What Slurm fills in per job; a folder is one for all jobs. */
const JOB_PLACEHOLDER = /%[jJAaNx]/;

const folder = customType<string>((input, context) => {
  // for a path with a backslash Slurm leaves all placeholders as they are
  if (typeof input !== "string" || input === "" || /[\\\p{Cc}]/u.test(input))
    return refuse(context, input, "a folder, without backslashes and control characters");
  const placeholder = JOB_PLACEHOLDER.exec(input)?.[0];
  if (placeholder === undefined) return input;
  return refuse(context, input, `a folder for all jobs, without ${placeholder} (the files in it are named by job)`);
});

const gpuCount = customType<string | number>((input, context) => {
  if (typeof input === "number" && Number.isInteger(input) && input >= 0) return input;
  if (typeof input === "string" && /^(\w+:)?\d+$/.test(input)) return input;
  return refuse(context, input, 'an integer >= 0 or "[type:]count"');
});

/** Directives that have a key of their own, or none. */
const OTHER_KEYS: Readonly<Record<string, string>> = {
  "job-name": "write it as name",
  partition: "write it as slurm_partition",
  nodes: "write it as nodes",
  "ntasks-per-node": "write it as tasks_per_node",
  "cpus-per-task": "write it as cpus_per_task",
  "gpus-per-node": "write it as gpus_per_node",
  mem: "write it as mem_gb",
  time: "write it as timeout_min",
  array: "a sweep (-m) makes the array, slurm_array_parallelism limits it",
  wrap: "the command makes the script",
};

/** The name of a directive as `sbatch` has it. */
export function directiveName(key: string): string {
  return key.replaceAll("_", "-");
}

/**
 * `slurm`: how `noether-train-submit-job` hands runs to Slurm. Unknown keys are errors. In a run's config it is read by
 * {@link SlurmSection}.
 */
export const SlurmConfig = defineConfig("SlurmConfig", {
  extra: "forbid",
  fields: {
    /** Job scripts and logs, relative to the working directory; `%u` is the name of the user. */
    folder: folder.default("submitit_logs"),
    /** Name of the job. */
    name: optional(line),
    /** Machines. */
    nodes: optional(int({ ge: 1 })),
    /** Processes on each, started by srun. */
    tasks_per_node: optional(int({ ge: 1 })),
    /** Processor cores of each. */
    cpus_per_task: optional(int({ ge: 1 })),
    /** GPUs of each machine: `2` or `a100:2`. */
    gpus_per_node: optional(gpuCount),
    /** Memory of each node in GB (of 1024 MB); 0: all of it. */
    mem_gb: optional(float({ ge: 0 })),
    /** Minutes until the job is ended; 0: no limit. */
    timeout_min: int({ ge: 0 }).default(0),
    /** One log for both. */
    stderr_to_stdout: optional(bool()),
    /** Partition that the job waits in. */
    slurm_partition: optional(line),
    /** Tasks of an array that run at the same time. */
    slurm_array_parallelism: optional(int({ ge: 1 })),
    /** Lines of shell before training. */
    slurm_setup: optional(list(str())),
    /** Other options of `sbatch`: `{ account: x, exclusive: true }` is `--account=x --exclusive`. */
    slurm_additional_parameters: optional(mapping(any())),
  },
  check: (config, complain) => {
    for (const [key, value] of Object.entries(config.slurm_additional_parameters ?? {})) {
      const problem = additionalProblem(directiveName(key), value);
      if (problem !== null) complain(problem, "slurm_additional_parameters", key);
    }
  },
});
export type SlurmConfig = z.output<typeof SlurmConfig>;

function additionalProblem(name: string, value: unknown): string | null {
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) return "expected the long name of an option of sbatch as key";
  if (Object.hasOwn(OTHER_KEYS, name)) return `expected no --${name} here: ${OTHER_KEYS[name]}`;
  const fits = value === true || Number.isFinite(value) || line.safeParse(value).success;
  return fits ? null : "expected one line of text, a number, or true for an option without value";
}

/** A {@link SlurmConfig} that may also have the keys of release 1.1 of the Python framework. */
export const SlurmSection = customType<SlurmConfig, unknown>((input, context) => {
  if (!isMapping(input) || isConfig(input)) return delegate(SlurmConfig, input, context) as SlurmConfig;
  const { section, problems } = migrateSlurmKeys(input);
  for (const { key, message } of problems) report(context, input[key], message, [key]);
  return problems.length > 0 ? z.NEVER : (delegate(SlurmConfig, section, context) as SlurmConfig);
});

/**
 * The section that all runs of a sweep share: they become one job.
 *
 * @param labels - what tells the runs apart, for the message
 * @throws ConfigError where a run has no section, or another one
 */
export function sharedSlurmConfig(sections: readonly (SlurmConfig | null)[], labels: readonly string[]): SlurmConfig {
  const [first = null] = sections;
  const fail = (message: string): never => {
    throw new ConfigError([{ path: "slurm", message }]);
  };
  if (first === null)
    return fail(
      'expected a section that says how jobs are submitted, e.g. "slurm: { slurm_partition: gpu, gpus_per_node: 1 }", received nothing',
    );
  const other = sections.findIndex((section) => JSON.stringify(section) !== JSON.stringify(first));
  if (other >= 0) fail(`expected the same section for all runs of a sweep, but it differs in ${labels[other]}`);
  return first;
}

/** Whether a job trains in several processes, which `srun` starts. */
export function hasSeveralTasks({
  nodes,
  tasks_per_node: perNode,
  slurm_additional_parameters: more,
}: SlurmConfig): boolean {
  return [nodes, perNode, more?.["ntasks"]].some((count) => Number(count ?? 1) > 1);
}

/** The absolute path of `slurm.folder`, with the user's name in it. */
export function slurmFolder({ folder }: Pick<SlurmConfig, "folder">): string {
  return resolve(folder.replaceAll("%u", () => userInfo().username));
}
