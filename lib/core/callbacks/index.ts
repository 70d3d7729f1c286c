/** The callback protocol and the callbacks that every run has. Each registers itself under its kind. */
export { CallBackBaseConfig } from "./base-config";
export * from "./trainer";
export {
  buildCallbackStateDict,
  CallbackBase,
  type CallbackDependencies,
  type CallbackState,
  loadCallbackStateDicts,
  validateCheckpointKeys,
} from "./base";
export {
  type AccumulationStep,
  type GradientsReady,
  type IntervalType,
  PeriodicCallback,
  type PeriodicCallbackConfig,
  type PeriodicCallbackContext,
  type UpdateTimes,
} from "./periodic";
export {
  type BatchResult,
  type Collated,
  collateResult,
  type CollatedResult,
  PeriodicDataIteratorCallback,
  PeriodicDataIteratorCallbackConfig,
  type ProcessResultsContext,
  ResultTuple,
  type SingleResult,
} from "./data-iterator";
export { BestCheckpointCallback, BestCheckpointCallbackConfig } from "./checkpoint/best-checkpoint";
export { CheckpointCallback, CheckpointCallbackConfig } from "./checkpoint/checkpoint";
export { EmaCallback, EmaCallbackConfig } from "./checkpoint/ema";
export { DatasetStatsCallback } from "./default/dataset-stats";
export { EtaCallback } from "./default/eta";
export { LrCallback } from "./default/lr";
export { OnlineLossCallback, OnlineLossCallbackConfig } from "./default/online-loss";
export { ParamCountCallback } from "./default/param-count";
export { PeakMemoryCallback } from "./default/peak-memory";
export { ProgressCallback } from "./default/progress";
export { TrainTimeCallback } from "./default/train-time";
export { EarlyStopIteration, EarlyStopperBase } from "./early-stoppers/base";
export { FixedEarlyStopper, FixedEarlyStopperConfig } from "./early-stoppers/fixed";
export { MetricEarlyStopper, MetricEarlyStopperConfig } from "./early-stoppers/metric";
export { BestMetricCallback, BestMetricCallbackConfig } from "./online/best-metric";
export { GradientNormCallback, GradientNormCallbackConfig } from "./online/gradient-norm";
export { TrackAdditionalOutputsCallback, TrackAdditionalOutputsCallbackConfig } from "./online/track-outputs";
