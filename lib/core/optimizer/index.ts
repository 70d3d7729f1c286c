import "../schedules";
import "./kinds";

export { createOptimizer, type OptimizerConstructor } from "./create-optimizer";
export { Lion, type LionOptions } from "./lion";
export { OptimizerWrapper, type OptimizerWrapperConfig, type TorchOptimizerConstructor } from "./optimizer-wrapper";
export { groupName, groupParameters, type ParamGroupOptions, type ParamGroupSpec } from "./param-groups";
export {
  LrScaleByNameModifier,
  type ParamGroupModifierBase,
  type ParamGroupProperties,
  WeightDecayByNameModifier,
} from "./param-group-modifiers";
export * from "./optimizer-config";
export { Bidict } from "./bidict";
