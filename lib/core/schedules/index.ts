import "./kinds";

export { createSchedule, type ScheduleConfig } from "./create-schedule";
export { ScheduleBase, type ScheduleBaseOptions } from "./base";
export { ConstantSchedule } from "./constant";
export { CustomSchedule } from "./custom";
export {
  DecreasingProgressSchedule,
  type DecreasingProgressScheduleOptions,
  IncreasingProgressSchedule,
  type IncreasingProgressScheduleOptions,
  ProgressSchedule,
  type ProgressScheduleOptions,
} from "./progress";
export { LinearDecreasingSchedule, LinearIncreasingSchedule } from "./linear";
export { CosineDecreasingSchedule, CosineIncreasingSchedule } from "./cosine";
export { PolynomialDecreasingSchedule, PolynomialIncreasingSchedule } from "./polynomial";
export { StepDecreasingSchedule, StepFixedSchedule, StepIntervalSchedule } from "./step";
export {
  type SequentialPercentEntry,
  SequentialPercentSchedule,
  type SequentialStepEntry,
  SequentialStepSchedule,
} from "./sequential";
export {
  LinearWarmupCosineDecaySchedule,
  type LinearWarmupCosineDecayScheduleOptions,
} from "./linear-warmup-cosine-decay";
export * from "./configs";
export { ScheduleWrapper } from "./schedule-wrapper";
