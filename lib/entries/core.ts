/**
 * What `noether-ts/core` exports: `core` and `config`, and the config classes that are next to their classes in the
 * layers above.
 *
 * @module
 */
export * from "../core";
export {
  AeroStatsSchema,
  AnyNormalizer,
  checkSplitIDs,
  DatasetBaseConfig,
  type DatasetSplitIDs,
  DatasetWrapperConfig,
  DatasetWrappers,
  FieldNormalizerConfig,
  FileMap,
  flatten,
  MeanStdNormalizerConfig,
  NormalizerChain,
  PositionNormalizerConfig,
  RepeatWrapperConfig,
  shapeOf,
  ShiftAndScaleNormalizerConfig,
  ShuffleWrapperConfig,
  StandardDatasetConfig,
  SubsetWrapperConfig,
  tensorValue,
  type TensorValue,
} from "../data";
export {
  CheckpointInitializerConfig,
  createInitializer,
  InitializerBase,
  PreviousRunInitializerConfig,
  readModelConfig,
  ResumeInitializerConfig,
  type StoredModelConfig,
} from "../initializers";
export { callbackConfigs, CallbacksConfig } from "../training/callbacks/any-callback";
export { OfflineLossCallbackConfig } from "../training/callbacks/offline-loss";
export { PyTorchProfilerCallbackConfig } from "../training/callbacks/profiler";
export {
  ACCELERATORS,
  ConfigSchema,
  setAcceleratorDetection,
  type Accelerator,
} from "../training/runners/config-schema";
export { SlurmConfig } from "../training/runners/slurm-config";
export { BaseTrainerConfig } from "../training/trainers/base-trainer-config";
