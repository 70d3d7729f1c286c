/** Schedules of learning rate and weight decay. Values are absolute, not factors. */
export { createSchedule, type ScheduleConfig } from "./create-schedule";
export { AnyScheduleConfig } from "./any-schedule";
export { ScheduleBase, ScheduleBaseConfig, type ScheduleBaseOptions } from "./base";
export { ConstantSchedule, ConstantScheduleConfig } from "./constant";
export { CustomSchedule, CustomScheduleConfig } from "./custom";
export {
  DecreasingProgressSchedule,
  DecreasingProgressScheduleConfig,
  type DecreasingProgressScheduleOptions,
  IncreasingProgressSchedule,
  IncreasingProgressScheduleConfig,
  type IncreasingProgressScheduleOptions,
  ProgressSchedule,
  ProgressScheduleConfig,
  type ProgressScheduleOptions,
} from "./progress";
export {
  LinearDecreasingSchedule,
  LinearDecreasingScheduleConfig,
  LinearIncreasingSchedule,
  LinearIncreasingScheduleConfig,
} from "./linear";
export {
  CosineDecreasingSchedule,
  CosineDecreasingScheduleConfig,
  CosineIncreasingSchedule,
  CosineIncreasingScheduleConfig,
} from "./cosine";
export {
  PolynomialDecreasingSchedule,
  PolynomialDecreasingScheduleConfig,
  PolynomialIncreasingSchedule,
  PolynomialIncreasingScheduleConfig,
} from "./polynomial";
export {
  StepDecreasingSchedule,
  StepDecreasingScheduleConfig,
  StepFixedSchedule,
  StepFixedScheduleConfig,
  StepIntervalSchedule,
  StepIntervalScheduleConfig,
} from "./step";
export {
  type SequentialPercentEntry,
  SequentialPercentSchedule,
  type SequentialStepEntry,
  SequentialStepSchedule,
} from "./sequential";
export {
  LinearWarmupCosineDecaySchedule,
  LinearWarmupCosineDecayScheduleConfig,
  type LinearWarmupCosineDecayScheduleOptions,
} from "./linear-warmup-cosine-decay";
export { ScheduleWrapper } from "./schedule-wrapper";
export { PeriodicBoolScheduleConfig, SchedulerConfig } from "./without-class";
