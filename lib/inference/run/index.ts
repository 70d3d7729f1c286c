/** Finished runs, ready to predict. */
export type { DataOptions } from "./describe-data";
export { loadRun, type LoadRunOptions } from "./load-run";
export { TrainedRun, type RunIdentity } from "./trained-run";
