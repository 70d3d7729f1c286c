/**
 * Data sets, what is done to their samples on the way to a model, and the order in which they are loaded.
 *
 * Data set → wrappers → sampler → pipeline (sample processors, collators, batch processors) → batch.
 * Each class registers itself under its kind.
 */

export { Dataset } from "./base/dataset";
export type { NonFinitePolicy } from "./base/finite-check";
export { DatasetBaseConfig, StandardDatasetConfig } from "./base/dataset-config";
export type { DatasetProtocol, Getter, GetterOptions, Prepared, SampleInfo } from "./base/dataset";
export type { BatchMap, Loaded, Sample } from "./sample";

export { DatasetWrapper, isDataset } from "./wrappers/dataset-wrapper";
export { PropertySubsetWrapper, PropertySubsetWrapperConfig } from "./wrappers/property-subset-wrapper";
export { RepeatWrapper, RepeatWrapperConfig } from "./wrappers/repeat-wrapper";
export { ShuffleWrapper, ShuffleWrapperConfig } from "./wrappers/shuffle-wrapper";
export { Subset } from "./wrappers/subset";
export { SubsetWrapper, SubsetWrapperConfig } from "./wrappers/subset-wrapper";
export { DatasetWrapperConfig, DatasetWrappers } from "./base/wrapper-config";
export { CacheWrapper, CacheWrapperConfig } from "./cache/cache-wrapper";
export { TimingWrapper } from "./wrappers/timing-wrapper";

export { ComposePreProcess } from "./preprocessors/compose";
export { createNormalizers } from "./preprocessors/create-normalizers";
export { PreProcessor, type PreProcessorOptions } from "./preprocessors/pre-processor";
export { fromLogscale, toLogscale } from "../core/functional/logscale";
export { AnyNormalizer, NormalizerChain } from "./preprocessors/normalizers/normalizer-config";
export { flatten, shapeOf, tensorValue, type TensorValue } from "./preprocessors/normalizers/tensor-value";
export { NumpyToTorchTensorPreProcessor } from "./preprocessors/numpy-to-torch-tensor";
export { toTensor } from "./preprocessors/to-tensor";
export { FieldNormalizer, FieldNormalizerConfig } from "./preprocessors/normalizers/field";
export { MeanStdNormalization, MeanStdNormalizerConfig } from "./preprocessors/normalizers/mean-std";
export { PositionNormalizer, PositionNormalizerConfig } from "./preprocessors/normalizers/position";
export { ShiftAndScaleNormalizer, ShiftAndScaleNormalizerConfig } from "./preprocessors/normalizers/shift-and-scale";

export { AeroCFDPipelineConfig, AeroMultistagePipeline } from "./pipeline/aero-multistage-pipeline";
export { BatchProcessor } from "./pipeline/batch-processor";
export { Collator } from "./pipeline/collator";
export { collateValues, defaultCollate } from "./pipeline/default-collate";
export { DomainPipeline, DomainPipelineConfig } from "./pipeline/domain-pipeline";
export { MultiStagePipeline } from "./pipeline/multistage-pipeline";
export type { ComponentLike, MultiStagePipelineOptions } from "./pipeline/multistage-pipeline";
export type { SampleCollator } from "./pipeline/sample-collator";
export { SampleProcessor, tensorOf } from "./pipeline/sample-processor";
export * from "./pipeline/sample-processors";
export * from "./pipeline/collators";
export * from "./pipeline/batch-processors";

export * from "./samplers";
export { numpyPermutation } from "./random/pcg64";
export { permutation, randomOrder } from "./random/permutation";

export { DataContainer, type DataContainerOptions } from "./container/data-container";
export { DataLoader, type DataLoaderOptions } from "./container/data-loader";
export type { SampleSet } from "./container/load-batch";
export { createPipeline, DatasetFactory } from "./factory/dataset-factory";
export { datasetFromFile, NoSourceError } from "./factory/dataset-source";
export { TensorDataset } from "./base/tensor-dataset";
export { prepareDatasets, type PrepareContext } from "./factory/prepare-datasets";
export { DATA_RECORD, DataRecord, parseDataRecord, readDataRecord, writeDataRecord } from "./factory/data-record";

export { readStatistics, type Statistics } from "./stats/statistics";
export { AeroStatsSchema } from "./stats/aero-stats";
export { DATASET_STATISTICS } from "./datasets/statistics";
export * from "./datasets/cfd";
export * from "./datasets/preprocess";
export * from "./datasets/folder";
export { FileMap } from "./datasets/file-map";
export { checkSplitIDs, type DatasetSplitIDs } from "./datasets/split-ids";

export * from "./readers";

export { RunningMoments } from "./stats/running-moments";
export type { Moments } from "./stats/running-moments";
export { RunningStats } from "./stats/running-stats";
export { checkSplits } from "./analysis/check-splits";
export { computeStatistics, type ComputeStatisticsOptions } from "./analysis/compute-statistics";
export { checkWritable, type StatisticsFormat, writeStatistics } from "./stats/statistics-file";
export * from "./pictures";
