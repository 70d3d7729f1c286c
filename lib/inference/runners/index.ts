/** Evaluation of finished runs. */
export { composeEvaluation, type Evaluation } from "./evaluation-config";
export { InferenceRunner } from "./inference-runner";
