export { AnchoredBranchedUPT, EncodedAnchors } from "./ab-upt";
export type { ABUPTInputs, AnchorInputs, Fields, GeometryInputs, QueryInputs } from "./ab-upt";
export { AnchorBranchedUPTConfig } from "./config";
