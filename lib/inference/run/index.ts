/** Finished runs, ready to predict. */
export type { DataDescription, DataOptions } from "./data-description";
export { loadRun, type LoadRunOptions } from "./load-run";
export type { InputField, OutputField } from "./run-fields";
export { TrainedRun, type RunIdentity } from "./trained-run";
