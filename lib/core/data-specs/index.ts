/** The fields that a model reads and predicts. */
export { FieldDimSpec, fieldSlices, totalDim } from "./field-dim-spec";
export type { ChannelRange } from "./field-dim-spec";
export {
  AeroDataSpecs,
  surfaceFeatures,
  surfaceTargets,
  totalOutputDim,
  volumeFeatures,
  volumeTargets,
} from "./aero-data-specs";
