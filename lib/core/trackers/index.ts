export { BaseTracker, type TrackerDependencies, type TrackerInit } from "./base";
export { NoopTracker } from "./noop";
export * from "./configs";
