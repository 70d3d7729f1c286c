import type { Evaluation } from "../inference/runners/evaluation-config";
import { InferenceRunner } from "../inference/runners";
import { asEvaluation } from "../inference/runners/inference-runner";
import { startProcesses } from "../training/runners";
import { provideOwnModules } from "./own-modules";
import { stopWithSweep, tellRunPath } from "./sweep/job-link";

/** Evaluates a finished run. Importing this file loads libtorch. */
export async function evaluate({ composed, inputDir, modelInfo }: Evaluation): Promise<void> {
  provideOwnModules();
  stopWithSweep();
  if (await startProcesses(await asEvaluation(composed))) return;
  await new InferenceRunner().run(composed, {
    resumeOutputPath: inputDir,
    resumeModelInfo: modelInfo,
    onClaim: ({ runOutputPath }) => tellRunPath(runOutputPath),
  });
}
