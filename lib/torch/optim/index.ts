/** Optimizers: `torch.optim`. */
export { Adadelta, type AdadeltaOptions } from "./adadelta";
export { Adafactor, type AdafactorOptions } from "./adafactor";
export { Adagrad, type AdagradOptions } from "./adagrad";
export { Adam, AdamW, type AdamOptions } from "./adam";
export { Adamax, type AdamaxOptions } from "./adamax";
export { ASGD, type ASGDOptions } from "./asgd";
export { Batch } from "./batch";
export { LBFGS, type LBFGSOptions } from "./lbfgs";
export * as lrScheduler from "./lr-scheduler";
export { Muon, type MuonOptions } from "./muon";
export { NAdam, type NAdamOptions } from "./nadam";
export {
  Optimizer,
  learningRate,
  type AnyOptimizer,
  type BaseOptions,
  type OptimizerInput,
  type ParamGroup,
  type ParamGroupInput,
  type ParamState,
} from "./optimizer";
export { RAdam, type RAdamOptions } from "./radam";
export { RMSprop, type RMSpropOptions } from "./rmsprop";
export { Rprop, type RpropOptions } from "./rprop";
export { SGD, type SGDOptions } from "./sgd";
export { SparseAdam, type SparseAdamOptions } from "./sparse-adam";
export type { OptimizerStateDict } from "./state-dict";
