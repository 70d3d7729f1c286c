export { AnchoredBranchedUPT, EncodedAnchors } from "./ab-upt";
export type { ABUPTInputs, AnchorInputs, Fields, GeometryInputs, QueryInputs } from "./ab-upt";
export { AnchorBranchedUPTConfig } from "./config";
export { predictQueries } from "./predict-queries";
export type { PredictQueriesOptions } from "./predict-queries";
