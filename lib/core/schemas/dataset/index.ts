/** Schemas of data sets: their configs, wrappers, normalizers, statistics, and the fields that a model reads and predicts. */
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
export { DatasetBaseConfig, StandardDatasetConfig } from "./dataset-config";
export {
  DatasetWrapperConfig,
  DatasetWrappers,
  RepeatWrapperConfig,
  ShuffleWrapperConfig,
  SubsetWrapperConfig,
} from "./wrappers";
export {
  AnyNormalizer,
  MeanStdNormalizerConfig,
  NormalizerChain,
  PositionNormalizerConfig,
  ShiftAndScaleNormalizerConfig,
} from "./normalizers";
export { AeroStatsSchema } from "./aero-stats";
export { FileMap } from "./file-map";
export { checkSplitIDs } from "./split-ids";
export type { DatasetSplitIDs } from "./split-ids";
export { flatten, shapeOf, tensorValue } from "./tensor-value";
export type { TensorValue } from "./tensor-value";
