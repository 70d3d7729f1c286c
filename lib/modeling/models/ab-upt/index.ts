export { AnchoredBranchedUPT } from "./ab-upt";
export type { EncodedAnchors, Fields } from "./ab-upt";
export { ABUPTCache } from "./cache";
export { AnchorBranchedUPTConfig, PhysicsBlock } from "./config";
export type { ABUPTInputs, AnchorInputs, ConditionInputs, GeometryInputs, QueryInputs } from "./inputs";
export { predictQueries } from "./predict-queries";
export type { PredictQueriesOptions } from "./predict-queries";
