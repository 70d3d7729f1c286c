/** How far a run is: epoch, update and sample. */
export { TrainingIteration, type TrainingIterationFields } from "./training-iteration";
export { UpdateCounter, type UpdateCounterOptions } from "./update-counter";
