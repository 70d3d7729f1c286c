import type { z } from "zod";
import { bool, customType, defineConfig, int, isMapping, oneOf, optional, refuse, str } from "../../config/schema";

/** A string of a given form. */
const text = (pattern: RegExp, expected: string) =>
  customType<string>((input, context) =>
    typeof input === "string" && pattern.test(input) ? input : refuse(context, input, expected),
  );

const gpuCount = () =>
  customType<string | number>((input, context) => {
    if (typeof input === "number" && Number.isInteger(input) && input >= 0) return input;
    if (typeof input === "string" && /^([\w.-]+:)?\d+$/.test(input)) return input;
    return refuse(context, input, 'an integer >= 0 or "[type:]count"');
  });

/** `slurm`: arguments of `sbatch`. Unknown keys are errors. */
export const SlurmConfig = defineConfig("SlurmConfig", {
  extra: "forbid",
  fields: {
    job_name: optional(str()),
    partition: optional(str()),
    reservation: optional(str()),
    nodes: optional(oneOf(int(), str())),
    ntasks: optional(int()),
    ntasks_per_node: optional(int()),
    cpus_per_task: optional(int()),
    mem: optional(text(/^\d+(\.\d+)?[KMGT]?B?$/i, 'memory such as "64GB"')),
    gpus: optional(gpuCount()),
    gpus_per_node: optional(gpuCount()),
    gres: optional(str()),
    time: optional(text(/^((UNLIMITED|INFINITE)|(\d+-)?\d+(:\d+){0,2})$/i, 'a quoted time such as "1-12:00:00"')),
    begin: optional(str()),
    output: optional(str()),
    error: optional(str()),
    array: optional(text(/^[\d,:-]+(%\d+)?$/, 'job indices such as "1-20%5"')),
    kill_on_invalid_dep: optional(bool()),
    nice: optional(int()),
    chdir: optional(str()),
    /** Script that the job sources first; no flag of sbatch. */
    env_path: optional(str()),
  },
});
export type SlurmConfig = z.output<typeof SlurmConfig>;

/** The config's values as `sbatch` flags in order of declaration: `--job-name=x --nodes=2`. */
export function toSrunArgs(config: SlurmConfig): string {
  if (!isMapping(config)) return "";
  const flags: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    if (value === null || key === "env_path") continue;
    const flag = `--${key.replaceAll("_", "-")}`;
    // sbatch wants yes or no here; the Python framework writes a bare flag
    if (typeof value === "boolean") flags.push(`${flag}=${value ? "yes" : "no"}`);
    else flags.push(`${flag}=${String(value)}`);
  }
  return flags.join(" ");
}
