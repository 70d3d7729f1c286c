/** The fields that a model reads and predicts. */
export { FieldDimSpec, fieldSlices, totalDim } from "./field-dim-spec";
export type { ChannelRange } from "./field-dim-spec";
export { allFeatures, allTargets, DomainDataSpec, ModelDataSpecs, totalOutputDim } from "./model-data-specs";
