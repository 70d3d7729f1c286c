import { join } from "node:path";
import type { z } from "zod";
import { findKind } from "../../config/registry";
import { ValueError } from "../../config/python-errors";
import { validateConfig } from "../../config/schema";
import type { FieldNormalizerConfig } from "../../data";
import { readStatistics, type Statistics } from "../../data/stats/statistics";
import { ConfigSchema } from "../runners/config-schema";
import { modelDefaults, type ModelParameters } from "./model-defaults";

type Mapping = Readonly<Record<string, unknown>>;

/** The domains of a data set, as in a config: `{ position_dim, conditioning_dims, domains }`. */
export interface PresetDataSpecs {
  readonly position_dim: number;
  readonly conditioning_dims?: Readonly<Record<string, number>> | null;
  readonly domains: Readonly<
    Record<
      string,
      { output_dims: Readonly<Record<string, number>>; feature_dim?: Readonly<Record<string, number>> | null }
    >
  >;
  readonly use_physics_features?: boolean;
}

/** Options of {@link DomainPreset.buildDataset}. */
export interface DatasetOptions {
  readonly split: string;
  readonly root: string;
  /** The model that the data are for: its pipeline. */
  readonly modelKind: string;
  readonly wrappers?: readonly Mapping[];
  /** Further keys of the data set's config; they win. */
  readonly overrides?: Mapping;
}

/** Options of {@link DomainPreset.standardCallbacks}. */
export interface CallbackOptions {
  readonly logEveryNEpochs?: number;
  readonly saveEveryNEpochs?: number;
  /** Data set that is evaluated (default `test`). */
  readonly evalDatasetKey?: string;
  readonly batchSize?: number;
  /** Averages of the weights (default true). */
  readonly ema?: boolean;
  /** Default [0.9999]. */
  readonly emaFactors?: readonly number[];
  /** Metric of the best checkpoint (default `loss/test/total`). */
  readonly bestMetricKey?: string;
}

/** Options of {@link DomainPreset.buildOptimizer}. */
export interface OptimizerOptions {
  /** Default `noether.core.optimizer.Lion`. */
  readonly kind?: string;
  /** Default 5e-5. */
  readonly lr?: number;
  /** Default 0.05. */
  readonly weightDecay?: number;
  /** Default 1. */
  readonly clipGradNorm?: number | null;
  /** Share of training that warms up (default 0.05). */
  readonly warmupPercent?: number;
  /** Learning rate at the end (default 1e-6); null: no schedule. */
  readonly endLr?: number | null;
}

/** Options of {@link DomainPreset.buildConfig}. */
export interface PresetOptions {
  readonly datasetRoot: string;
  /** Parameters for {@link DomainPreset.buildModel}; or a whole config. */
  readonly modelParameters?: ModelParameters;
  readonly modelConfig?: Mapping;
  readonly optimizer?: Mapping;
  /** Default `noether.training.trainers.WeightedLossTrainer`, with the weight 1 for every target. */
  readonly trainerKind?: string;
  readonly trainerParameters?: Mapping;
  /** Default `<datasetRoot>/outputs`. */
  readonly outputPath?: string;
  /** Splits, under their own names or others (default train and test). */
  readonly datasets?: readonly string[] | Readonly<Record<string, string>>;
  readonly extraDatasets?: Mapping;
  /** In place of the {@link DomainPreset.standardCallbacks}. */
  readonly callbacks?: readonly Mapping[];
  readonly extraCallbacks?: readonly Mapping[];
  readonly accelerator?: "cpu" | "gpu" | "mps";
  /** Default 500. */
  readonly maxEpochs?: number;
  /** Samples of an update (default 1). */
  readonly batchSize?: number;
  /** Default 42. */
  readonly seed?: number;
  /** Further keys of the root. */
  readonly root?: Mapping;
}

const WEIGHTED_LOSS = "noether.training.trainers.WeightedLossTrainer";

/**
 * Everything about a kind of data that experiments with it share, so that a program builds whole configs from a few parameters:
 * `noether.core.presets.DomainPreset` of the Python framework.
 *
 * ```ts
 * const config = new CarPreset().buildConfig("noether.modeling.models.AeroTransformer", {
 *   datasetRoot: "/data/cars",
 *   modelParameters: { hidden_dim: 192 },
 * });
 * await new HydraRunner().main({ config, schemaKind: "noether.core.schemas.schema.ConfigSchema", device: "cpu" });
 * ```
 */
export abstract class DomainPreset {
  /** Kind of the data set. */
  abstract readonly datasetKind: string;
  /** What the samples have and what is predicted. */
  abstract readonly dataSpecs: PresetDataSpecs;
  /** Normalizer of each field, by its key. */
  readonly normalizerSpec: Readonly<Record<string, z.input<typeof FieldNormalizerConfig>>> = {};
  /** Properties of the data set that are not loaded. */
  readonly excludedProperties: readonly string[] = [];
  /** File of statistics, YAML or JSON; or {@link stats}, or those of the data set's class. */
  readonly statsFile: string | null = null;
  readonly stats: Statistics = {};
  /** Config of the pipeline; empty: samples are stacked. */
  readonly pipelineDefaults: Mapping = {};
  /** What the pipeline of a kind of model has instead. */
  readonly pipelineModelOverrides: Readonly<Record<string, Mapping>> = {};
  /** Batch keys that a kind of model gets; `_default` is for kinds that are not named. */
  readonly forwardPropertiesMap: Readonly<Record<string, readonly string[]>> = {};

  /** Batch keys of the targets: `<domain>_<field>_target` of all outputs, unless a subclass says others. */
  targetProperties(): string[] {
    return Object.entries(this.dataSpecs.domains).flatMap(([domain, { output_dims }]) =>
      Object.keys(output_dims).map((field) => `${domain}_${field}_target`),
    );
  }

  /**
   * Statistics of the fields.
   *
   * @throws ValueError when there are none
   */
  get datasetStatistics(): Statistics {
    if (this.statsFile !== null) return readStatistics(this.statsFile);
    if (Object.keys(this.stats).length > 0) return this.stats;
    const type = findKind(this.datasetKind)?.class as { statistics?: Statistics | null; statsFile?: string | null };
    const own = type?.statistics ?? (type?.statsFile ? readStatistics(type.statsFile) : null);
    if (own) return own;
    throw new ValueError(
      `${this.constructor.name}: expected statsFile, stats, or statistics of "${this.datasetKind}", which has none`,
    );
  }

  forwardProperties(modelKind: string): string[] {
    return [...(this.forwardPropertiesMap[modelKind] ?? this.forwardPropertiesMap["_default"] ?? [])];
  }

  /** Config of the pipeline for a kind of model; null: samples are stacked. */
  buildPipeline(modelKind: string, overrides: Mapping = {}): Mapping | null {
    const pipeline = { ...this.pipelineDefaults, ...this.pipelineModelOverrides[modelKind], ...overrides };
    return Object.keys(pipeline).length === 0 ? null : pipeline;
  }

  /** Normalizers as a data set's config has them. */
  buildNormalizers(): Record<string, Mapping[]> {
    const kind = "noether.data.preprocessors.normalizers.FieldNormalizer";
    return Object.fromEntries(Object.entries(this.normalizerSpec).map(([key, spec]) => [key, [{ kind, ...spec }]]));
  }

  /** Config of a data set. */
  buildDataset({ split, root, modelKind, wrappers = [], overrides = {} }: DatasetOptions): Mapping {
    return {
      kind: this.datasetKind,
      root,
      split,
      pipeline: this.buildPipeline(modelKind),
      dataset_normalizers: this.buildNormalizers(),
      ...(this.excludedProperties.length === 0 ? {} : { excluded_properties: [...this.excludedProperties] }),
      ...(wrappers.length === 0 ? {} : { dataset_wrappers: wrappers }),
      ...overrides,
    };
  }

  /** Checkpoints, loss on the evaluated data, the best checkpoint, averages of the weights. */
  standardCallbacks(options: CallbackOptions = {}): Mapping[] {
    const { logEveryNEpochs = 1, saveEveryNEpochs = 10, evalDatasetKey = "test", batchSize = 1 } = options;
    const { ema = true, emaFactors = [0.9999], bestMetricKey = "loss/test/total" } = options;
    return [
      {
        kind: "noether.core.callbacks.CheckpointCallback",
        every_n_epochs: saveEveryNEpochs,
        save_weights: true,
        save_latest_weights: true,
      },
      {
        kind: "noether.training.callbacks.OfflineLossCallback",
        every_n_epochs: logEveryNEpochs,
        dataset_key: evalDatasetKey,
        batch_size: batchSize,
      },
      {
        kind: "noether.core.callbacks.BestCheckpointCallback",
        every_n_epochs: logEveryNEpochs,
        metric_key: bestMetricKey,
      },
      ...(ema
        ? [
            {
              kind: "noether.core.callbacks.EmaCallback",
              every_n_epochs: saveEveryNEpochs,
              target_factors: emaFactors,
              save_weights: false,
              save_last_weights: false,
              save_latest_weights: true,
            },
          ]
        : []),
    ];
  }

  buildOptimizer(options: OptimizerOptions = {}): Mapping {
    const { kind = "noether.core.optimizer.Lion", lr = 5e-5, weightDecay = 0.05, clipGradNorm = 1 } = options;
    const { warmupPercent = 0.05, endLr = 1e-6 } = options;
    const schedule_config = {
      kind: "noether.core.schedules.LinearWarmupCosineDecaySchedule",
      warmup_percent: warmupPercent,
      max_value: lr,
      end_value: endLr,
    };
    return {
      kind,
      lr,
      weight_decay: weightDecay,
      clip_grad_norm: clipGradNorm,
      ...(endLr === null ? {} : { schedule_config }),
    };
  }

  /** Config of a model; the kinds of `noether.modeling.models.aerodynamics` are completed by what is usual for them. */
  buildModel(modelKind: string, parameters: ModelParameters = {}, optimizer: Mapping | null = null): Mapping {
    return {
      kind: modelKind,
      data_specs: this.dataSpecs,
      forward_properties: this.forwardProperties(modelKind),
      optimizer_config: optimizer ?? this.buildOptimizer(),
      ...modelDefaults(modelKind, parameters, this.dataSpecs),
    };
  }

  /**
   * The config of a whole run.
   *
   * @throws ConfigError with every problem
   * @throws ValueError for both `modelParameters` and `modelConfig`
   */
  buildConfig(modelKind: string, options: PresetOptions): ConfigSchema {
    const { datasetRoot, modelParameters, modelConfig, optimizer = null, root = {} } = options;
    const { trainerKind = WEIGHTED_LOSS, trainerParameters = {}, maxEpochs = 500, batchSize = 1 } = options;
    if (modelParameters !== undefined && modelConfig !== undefined)
      throw new ValueError("expected modelParameters or modelConfig, received both");
    const { datasets = ["train", "test"] } = options;
    const splits = Array.isArray(datasets)
      ? (datasets as readonly string[]).map((name) => [name, name] as const)
      : Object.entries(datasets as Readonly<Record<string, string>>);
    const targets = this.targetProperties();
    return validateConfig(ConfigSchema, {
      ...(options.accelerator === undefined ? {} : { accelerator: options.accelerator }),
      seed: options.seed ?? 42,
      output_path: options.outputPath ?? join(datasetRoot, "outputs"),
      dataset_statistics: this.#listsOfStatistics(),
      datasets: {
        ...Object.fromEntries(
          splits.map(([key, split]) => [key, this.buildDataset({ split, root: datasetRoot, modelKind })]),
        ),
        ...options.extraDatasets,
      },
      model: modelConfig ?? this.buildModel(modelKind, modelParameters, optimizer),
      trainer: {
        kind: trainerKind,
        max_epochs: maxEpochs,
        effective_batch_size: batchSize,
        log_every_n_epochs: 1,
        callbacks: [...(options.callbacks ?? this.standardCallbacks({ batchSize })), ...(options.extraCallbacks ?? [])],
        forward_properties: this.forwardProperties(modelKind),
        target_properties: targets,
        ...(trainerKind === WEIGHTED_LOSS ? { field_weights: weightsOf(targets) } : {}),
        ...trainerParameters,
      },
      ...root,
    });
  }

  /** As the root has them: numbers are lists of one. */
  #listsOfStatistics(): Record<string, number[]> {
    return Object.fromEntries(
      Object.entries(this.datasetStatistics).map(([name, value]) => [name, [value].flat() as number[]]),
    );
  }
}

function weightsOf(targets: readonly string[]): Record<string, number> {
  return Object.fromEntries(targets.map((target) => [target.replace(/_target$/, ""), 1]));
}
