export { TrainingIteration, type TrainingIterationFields } from "./training-iteration";
export { UpdateCounter, type UpdateCounterOptions } from "./update-counter";
export { ScheduleWrapper } from "./schedule-wrapper";
