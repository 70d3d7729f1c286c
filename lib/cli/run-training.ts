import type { ComposedConfig } from "../config";
import { HydraRunner, startProcesses } from "../training/runners";
import { provideOwnModules } from "./own-modules";
import { stopWithSweep, tellRunPath } from "./sweep/job-link";

/** Trains as a composed config says, in a process for each of its devices. Importing this file loads libtorch. */
export async function train(composed: ComposedConfig): Promise<void> {
  provideOwnModules();
  stopWithSweep();
  if (!(await startProcesses(composed))) await new HydraRunner().run(composed, { onClaim: tellRunPath });
}
