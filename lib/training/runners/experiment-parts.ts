import { Factory } from "../../config/factory/factory";
import { getRank, isDistributed } from "../../core/distributed";
import { ModelBase } from "../../core/models";
import { checkSplits, createPipeline, DataContainer, DatasetFactory, prepareDatasets } from "../../data";
import { BaseTrainer } from "../trainers/base-trainer";
import type { TrainerDependencies } from "../trainers/types";
import type { ConfigSchema } from "./config-schema";

/** What data sets do before any is made: look at their files, compute statistics, which become part of the config. */
export async function prepareData({ datasets, model }: ConfigSchema): Promise<void> {
  await prepareDatasets(datasets, { dataSpecs: (model as { data_specs?: unknown }).data_specs ?? null });
}

/** The data sets in the order of the config, each with its pipeline, for a run on `device`. @throws ValueError for empty ones, and splits that share samples */
export function createData(config: ConfigSchema, device: string): DataContainer {
  const factory = new DatasetFactory();
  const datasets = Object.entries(config.datasets).map(([key, datasetConfig]) => {
    const dataset = factory.create(datasetConfig);
    dataset.pipeline = createPipeline(datasetConfig.pipeline);
    return [key, dataset] as const;
  });
  checkSplits(new Map(datasets));
  return new DataContainer(new Map(datasets), {
    seed: config.sample_order === "1.1" ? null : seedOf(config),
    numWorkers: config.num_workers,
    prefetchFactor: config.trainer.dataloader_prefetch_factor,
    pinMemory: device.startsWith("cuda"),
  });
}

/** The seed of this process. */
export function seedOf({ seed }: ConfigSchema): number {
  return seed + (isDistributed() ? getRank() : 0);
}

/** @throws TypeError when the kind is no trainer */
export function createTrainer(config: ConfigSchema, dependencies: TrainerDependencies): BaseTrainer {
  const trainer = new Factory().instantiate(config.trainer, { ...dependencies });
  if (trainer instanceof BaseTrainer) return trainer as BaseTrainer;
  throw new TypeError(`expected kind "${config.trainer.kind}" to be a trainer (a subclass of BaseTrainer)`);
}

/** The model that a trainer is to train, not initialised yet. @throws TypeError when the kind is no model */
export function createModel(config: ConfigSchema, trainer: BaseTrainer): ModelBase {
  const { dataContainer, updateCounter, pathProvider } = trainer;
  const model = new Factory().instantiate(config.model, { dataContainer, updateCounter, pathProvider });
  if (model instanceof ModelBase) return model;
  throw new TypeError(`expected kind "${config.model.kind}" to be a model (a subclass of Model or CompositeModel)`);
}
