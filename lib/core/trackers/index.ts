/** Where metrics go. Each tracker registers itself under its kind. */
export { AnyTracker, isTrackerOff } from "./any-tracker";
export { BaseTracker, TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
export { CsvTracker, CsvTrackerConfig } from "./csv";
export { JsonLinesTracker, JsonLinesTrackerConfig } from "./json-lines";
export { type Metrics, readMetrics } from "./read-metrics";
export { MlflowTracker, MlflowTrackerConfig } from "./mlflow";
export { MultiTracker, MultiTrackerConfig } from "./multi";
export { NoopTracker } from "./noop";
export { RemoteTracker, type RemoteRun } from "./remote";
export { type Synced, syncRun } from "./sync";
export { TensorboardTracker, TensorboardTrackerSchema } from "./tensorboard";
export { TrackioTracker, TrackioTrackerSchema } from "./trackio";
export { WandBTracker, WandBTrackerSchema } from "./wandb";
