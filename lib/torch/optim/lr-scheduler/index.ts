/** Learning-rate schedules for loops of one's own: `torch.optim.lr_scheduler`. Runs of the trainer have those of `core/schedules`. */
export { ChainedScheduler, SequentialLR, type Chainable } from "./combined";
export { CosineAnnealingLR, CosineAnnealingWarmRestarts } from "./cosine";
export { CyclicLR, OneCycleLR, type CyclicLROptions, type OneCycleLROptions } from "./cycle";
export {
  ConstantLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiplicativeLR,
  MultiStepLR,
  PolynomialLR,
  StepLR,
  type LRLambda,
} from "./factors";
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from "./plateau";
export { LRScheduler, type SchedulerOptions, type SchedulerState } from "./scheduler";
