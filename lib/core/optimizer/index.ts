import "../schedules";
import "./torch-optimizers";

export { createOptimizer, type OptimizerConstructor } from "./create-optimizer";
export { Lion, LionConfig, type LionOptions } from "./lion";
export { MuonComposite, type MuonCompositeOptions } from "./muon-composite";
export { MuonOptimizerConfig, MuonSecondaryOptimizerConfig } from "./muon-config";
export { OptimizerWrapper, type OptimizerWrapperConfig, type TorchOptimizerConstructor } from "./optimizer-wrapper";
export { groupName, groupParameters, type ParamGroupOptions, type ParamGroupSpec } from "./param-groups";
export {
  LrScaleByNameModifier,
  type ParamGroupModifierBase,
  ParamGroupModifierConfig,
  type ParamGroupProperties,
  WeightDecayByNameModifier,
} from "./param-group-modifiers";
export { AnyOptimizerConfig, OPTIMIZER_WRAPPER_KEYS, OptimizerConfig } from "./optimizer-config";
export { Bidict } from "./bidict";
