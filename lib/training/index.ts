export { BaseTrainer } from "./trainers/base-trainer";
export { type FieldLoss, WeightedLossTrainer, WeightedLossTrainerConfig } from "./trainers/weighted-loss-trainer";
export type { TrainerDependencies, UpdateResult, UpdateStep } from "./trainers/types";
export { type LossResult, LossWithOutputs } from "./trainers/result";
export * from "./callbacks";
export * from "./runners";
export * from "./presets";
export * from "./aerodynamics";
