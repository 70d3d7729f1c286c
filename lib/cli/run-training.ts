import type { ComposedConfig } from "../config";
import type { PathProvider } from "../core/providers";
import { HydraRunner, startProcesses } from "../training/runners";
import { provideOwnModules } from "./own-modules";
import { ArrayTask } from "./sweep/array-task";
import { stopWithSweep, tellRunPath } from "./sweep/job-link";

/** Trains as a composed config says, in a process for each of its devices. Importing this file loads libtorch. */
export async function train(composed: ComposedConfig): Promise<void> {
  provideOwnModules();
  stopWithSweep();
  if (await startProcesses(composed)) return;
  const task = ArrayTask.of(process.env, composed.overrides);
  const onClaim = (paths: PathProvider): void => {
    tellRunPath(paths.runOutputPath);
    task?.start(paths);
  };
  let failed = true;
  try {
    await new HydraRunner().run(composed, { onClaim });
    failed = false;
  } finally {
    await task?.end(failed);
  }
}
