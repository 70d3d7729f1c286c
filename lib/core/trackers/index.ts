/** Where metrics go. Each tracker registers itself under its kind. */
export { AnyTracker, isTrackerOff } from "./any-tracker";
export { BaseTracker, TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
export { NoopTracker } from "./noop";
export { TensorboardTrackerSchema } from "./tensorboard";
export { TrackioTrackerSchema } from "./trackio";
export { WandBTrackerSchema } from "./wandb";
