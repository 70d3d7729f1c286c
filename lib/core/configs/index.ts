/** Hyperparameters of a run on disk and in the log. */
export { DEFAULT_SCHEMA_KIND, Hyperparameters } from "./hyperparameters";
