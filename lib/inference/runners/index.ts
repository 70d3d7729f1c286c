/** Evaluation of finished runs. */

export { InferenceRunner } from "./inference-runner";
