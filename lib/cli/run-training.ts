import type { ComposedConfig } from "../config";
import { HydraRunner } from "../training/runners";
import { provideOwnModules } from "./own-modules";
import { stopWithSweep, tellRunPath } from "./sweep/job-link";

/** Trains as a composed config says. Importing this file loads libtorch. */
export async function train(composed: ComposedConfig): Promise<void> {
  provideOwnModules();
  stopWithSweep();
  await new HydraRunner().run(composed, { onClaim: tellRunPath });
}
