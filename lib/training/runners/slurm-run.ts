/**
 * The id of a run that Slurm started and that was given none: `<array job>_<task>` of an array, else the job's number; null outside
 * of Slurm.
 */
export function slurmRunId(env: Readonly<Record<string, string | undefined>> = process.env): string | null {
  const { SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: task, SLURM_JOB_ID: job } = env;
  return array && task ? `${array}_${task}` : job || null;
}
