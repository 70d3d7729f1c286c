export { MomentNormalizationBatchProcessor } from "./moment-normalization";
export { PositionNormalizationBatchProcessor } from "./position-normalization";
export { RenameKeysBatchProcessor } from "./rename-keys";
