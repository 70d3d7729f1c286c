/** Trainable models of the aerodynamics tutorial: named inputs, named fields, loss. Importing them registers their kinds. */
export { ABUPT, ABUPTConfig } from "./ab-upt";
export { AerodynamicsModel } from "./base-model";
export {
  CompositeTransformer,
  CompositeTransformerBlockConfig,
  CompositeTransformerBlockModel,
  CompositeTransformerConfig,
} from "./composite-transformer";
export { outputFields } from "./config";
export type { OutputField } from "./config";
export { AerodynamicsLossWeights, aerodynamicsLosses, lossWeightFields, targetField } from "./loss";
export { Transformer, TransformerConfig } from "./transformer";
export type { PointInputs } from "./transformer";
export { Transolver, TransolverConfig } from "./transolver";
export { UPT, UPTConfig } from "./upt";
export type { UPTInputs } from "./upt";
