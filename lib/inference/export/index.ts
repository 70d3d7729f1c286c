/** Runs and weights in one file. */
export { exportFiles, exportRun, type ExportOptions } from "./export-run";
export { modelCard } from "./model-card";
