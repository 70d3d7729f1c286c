export { BaseTrainer, type TrainerDependencies, type UpdateResult, type UpdateStep } from "./trainers/base-trainer";
export { type LossResult, LossWithOutputs } from "./trainers/result";
export { OfflineLossCallback } from "./callbacks/offline-loss";
export * from "./runners";
export * from "./aerodynamics";
