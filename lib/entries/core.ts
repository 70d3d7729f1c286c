/**
 * What `noether-ts/core` exports: `core` and `config`, and the config classes that stand beside their classes in the
 * layers above.
 *
 * @module
 */
export * from "../core";
export { DatasetBaseConfig, StandardDatasetConfig } from "../data/base/dataset-config";
export { FileMap } from "../data/datasets/file-map";
export { checkSplitIDs, type DatasetSplitIDs } from "../data/datasets/split-ids";
export { CheckpointInitializerConfig, PreviousRunInitializerConfig, ResumeInitializerConfig } from "../initializers";
export {
  AnyNormalizer,
  MeanStdNormalizerConfig,
  NormalizerChain,
  PositionNormalizerConfig,
  ShiftAndScaleNormalizerConfig,
} from "../data/preprocessors/normalizers/configs";
export { flatten, shapeOf, tensorValue, type TensorValue } from "../data/preprocessors/normalizers/tensor-value";
export { AeroStatsSchema } from "../data/stats/aero-stats";
export {
  DatasetWrapperConfig,
  DatasetWrappers,
  RepeatWrapperConfig,
  ShuffleWrapperConfig,
  SubsetWrapperConfig,
} from "../data/wrappers/configs";
export {
  ACCELERATORS,
  ConfigSchema,
  setAcceleratorDetection,
  type Accelerator,
} from "../training/runners/config-schema";
export { SlurmConfig, toSrunArgs } from "../training/runners/slurm";
export { callbackConfigs, CallbacksConfig } from "../training/callbacks/any-callback";
export { OfflineLossCallbackConfig } from "../training/callbacks/offline-loss";
export { BaseTrainerConfig } from "../training/trainers/base-trainer-config";
