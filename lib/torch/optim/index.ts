/** Optimizers: `torch.optim`. */
export { Adam, AdamW, type AdamOptions } from "./adam";
export { Batch } from "./batch";
export {
  Optimizer,
  learningRate,
  type BaseOptions,
  type OptimizerInput,
  type ParamGroup,
  type ParamGroupInput,
  type ParamState,
} from "./optimizer";
export { SGD, type SGDOptions } from "./sgd";
export type { OptimizerStateDict } from "./state-dict";
