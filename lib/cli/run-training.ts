import type { ComposedConfig } from "../config";
import { HydraRunner } from "../training/runners";
import { provideOwnModules } from "./own-modules";

/** Trains as a composed config says. Importing this file loads libtorch. */
export async function train(composed: ComposedConfig): Promise<void> {
  provideOwnModules();
  await new HydraRunner().run(composed);
}
