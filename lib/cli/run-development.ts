import type { ComposedConfig } from "../config";
import { developmentRun, loadRunConfig } from "../training/runners";
import { printResult } from "./command";
import { provideOwnModules } from "./own-modules";

/** A dry pass through what a composed config describes. Importing this file loads libtorch. */
export async function runDevelopment(composed: ComposedConfig): Promise<void> {
  provideOwnModules();
  // nothing is written, so the folder of the run does not matter
  const run = await loadRunConfig(composed, { resumeWith: "weights" });
  await developmentRun(run, (line) => printResult(`${line}\n`));
}
