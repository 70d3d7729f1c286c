import "./kinds";

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
  type ProcessResultsContext,
  ResultTuple,
  type SingleResult,
} from "./data-iterator";
export { BestCheckpointCallback } from "./checkpoint/best-checkpoint";
export { CheckpointCallback } from "./checkpoint/checkpoint";
export { EmaCallback } from "./checkpoint/ema";
export { DatasetStatsCallback } from "./default/dataset-stats";
export { EtaCallback } from "./default/eta";
export { LrCallback } from "./default/lr";
export { OnlineLossCallback } from "./default/online-loss";
export { ParamCountCallback } from "./default/param-count";
export { PeakMemoryCallback } from "./default/peak-memory";
export { ProgressCallback } from "./default/progress";
export { TrainTimeCallback } from "./default/train-time";
export { EarlyStopIteration, EarlyStopperBase } from "./early-stoppers/base";
export { FixedEarlyStopper } from "./early-stoppers/fixed";
export { MetricEarlyStopper } from "./early-stoppers/metric";
export { BestMetricCallback } from "./online/best-metric";
export { TrackAdditionalOutputsCallback } from "./online/track-outputs";
export * from "./configs";
