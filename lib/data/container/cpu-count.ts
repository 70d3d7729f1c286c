import { availableParallelism } from "node:os";
import { cuda } from "../../torch";

/** Whole numbers of the environment; anything else counts as missing. */
function environment(name: string): number {
  const text = process.env[name] ?? "";
  return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : 0;
}

/**
 * Processors for loader workers: the share of this process, less one for itself. Under Slurm what the job gave to a task, else the
 * processors of the machine that the process may use, by the number of GPUs.
 */
export function fairCpuCount(): number {
  const cpus = process.env["SLURM_PROCID"] === undefined ? 0 : slurmCpus();
  const share = cpus > 0 ? cpus : Math.floor(availableParallelism() / Math.max(1, cuda.deviceCount()));
  return Math.max(share - 1, 0);
}

function slurmCpus(): number {
  const perTask = environment("SLURM_CPUS_PER_TASK");
  if (perTask > 0) return perTask;
  const tasks = environment("SLURM_NTASKS_PER_NODE");
  return tasks > 0 ? Math.floor(environment("SLURM_CPUS_ON_NODE") / tasks) : 0;
}
