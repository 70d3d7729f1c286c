export { ParamGroupModifierConfig, type ParamGroupModifierBase, type ParamGroupProperties } from "./base";
export { LrScaleByNameModifier } from "./lr-scale-by-name";
export { WeightDecayByNameModifier } from "./weight-decay-by-name";
