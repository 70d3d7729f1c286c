/** What is done with a config before a run begins: the first case is looked at, and the statistics of the training set are computed. */
import { ValueError } from "../../../config/python-errors";
import { getLogger } from "../../../core/logging";
import { scope, type Tensor } from "../../../torch";
import type { DatasetProtocol } from "../../base/dataset";
import type { DatasetBaseConfig } from "../../base/dataset-config";
import type { PrepareContext } from "../../factory/prepare-datasets";
import { RunningMoments } from "../../stats/running-moments";
import type { FolderDatasetConfig, Strategy } from "./config";
import { checkSpecs } from "./specs";
import { strategyOf } from "./strategy";

const KIND = "noether.data.preprocessors.normalizers";
/** Seconds between two messages about progress. */
const PROGRESS_INTERVAL = 5;

/** What is needed of the data set. */
export interface FolderData extends Pick<DatasetProtocol, "length" | "getterKeys" | "getSelected"> {
  /** Names of the cases. */
  readonly names: readonly string[];
}

type Create = (config: FolderDatasetConfig) => FolderData;

/**
 * Adds the normalizers that `normalize` asks for to `dataset_normalizers`, so that the config has all numbers (a run stores it, workers
 * and evaluations read it). Keys that are there already stay.
 *
 * @throws ValueError, KeyError for fields that are not there and for shapes that the data specs contradict
 */
export async function prepareFolderDataset(
  config: FolderDatasetConfig,
  context: PrepareContext,
  create: Create,
): Promise<void> {
  const raw = create(rawConfig(config));
  const keys = usedKeys(config, raw.getterKeys());
  checkSpecs(await shapesOf(raw, keys), raw.names[0]!, context.dataSpecs);
  const missing = missingNormalizers(config, keys);
  if (missing.size === 0) return;
  const training = trainingConfig(config, context.training);
  const computed = await statisticsNormalizers(training, config, missing, create);
  // assigned, so that hp_resolved.yaml shows it
  config.dataset_normalizers = { ...computed, ...config.dataset_normalizers };
}

/** The data set without normalizers, and with all of its points. */
function rawConfig(config: FolderDatasetConfig): FolderDatasetConfig {
  const domains = Object.fromEntries(
    Object.entries(config.domains).map(([name, domain]) => [name, { ...domain, max_points: null }]),
  );
  return { ...config, domains, dataset_normalizers: null, normalize: null };
}

/** The keys that the data set gives. */
function usedKeys(
  { included_properties, excluded_properties }: FolderDatasetConfig,
  keys: readonly string[],
): string[] {
  const isIncluded = (key: string): boolean => included_properties === null || included_properties.includes(key);
  return keys.filter((key) => isIncluded(key) && !excluded_properties?.includes(key));
}

function missingNormalizers(config: FolderDatasetConfig, keys: readonly string[]): Map<string, Strategy> {
  const given = config.dataset_normalizers ?? {};
  const wanted = keys.map((key) => [key, strategyOf(config.normalize, key)] as const);
  return new Map(wanted.filter(([key, strategy]) => strategy !== "none" && !Object.hasOwn(given, key)));
}

/** Statistics are those of the run's training set, where that is read from a folder, too. */
function trainingConfig(config: FolderDatasetConfig, training: DatasetBaseConfig): FolderDatasetConfig {
  return training.kind === config.kind ? (training as FolderDatasetConfig) : config;
}

async function shapesOf(dataset: FolderData, keys: readonly string[]): Promise<Map<string, readonly number[]>> {
  return scope(async () => {
    const sample = await dataset.getSelected(0, keys);
    return new Map(Object.entries(sample).map(([key, value]) => [key, (value as Tensor).shape]));
  });
}

const memory = new WeakMap<FolderDatasetConfig, Map<string, Promise<ReadonlyMap<string, RunningMoments>>>>();

async function statisticsNormalizers(
  training: FolderDatasetConfig,
  config: FolderDatasetConfig,
  strategies: ReadonlyMap<string, Strategy>,
  create: Create,
): Promise<Record<string, Record<string, unknown>[]>> {
  const moments = await momentsOf(training, strategies, create);
  const normalizers: Record<string, Record<string, unknown>[]> = {};
  const positions = [...strategies].flatMap(([key, strategy]) => (strategy === "position" ? [key] : []));
  if (positions.length > 0) {
    const box = boxOf(
      positions.map((key) => [key, moments.get(key)!]),
      config.position_scale,
    );
    for (const key of positions) normalizers[key] = [box];
  }
  for (const [key, strategy] of strategies) {
    if (strategy === "position") continue;
    const running = moments.get(key)!;
    const std = running.count < 2 ? running.mean.map(() => 0) : running.std;
    const constant = std.flatMap((value, channel) => (value > 0 ? [] : [channel]));
    if (constant.length > 0 && config === training)
      getLogger("FolderDataset").warning(
        `${key} has the same value everywhere in the training cases (channel ${constant.join(", ")}): it is shifted, and not scaled`,
      );
    normalizers[key] = [
      {
        kind: `${KIND}.MeanStdNormalization`,
        mean: running.mean,
        std: std.map((value) => (value > 0 ? value : 1)),
        ...(strategy === "log_mean_std" ? { logscale: true } : {}),
      },
    ];
  }
  return normalizers;
}

/** One cube for all positions, so that domains keep their places and shapes their angles. Points outside are no error. */
function boxOf(positions: readonly (readonly [string, RunningMoments])[], scale: number): Record<string, unknown> {
  const [[first, { min, max }]] = positions as [[string, RunningMoments]];
  const [low, high] = [[...min], [...max]];
  for (const [key, running] of positions) {
    if (running.min.length !== low.length)
      throw new ValueError(
        `normalize: expected positions of one dimension, but ${first} has ${low.length} and ${key} ${running.min.length}`,
      );
    running.min.forEach((value, d) => (low[d] = Math.min(low[d]!, value)));
    running.max.forEach((value, d) => (high[d] = Math.max(high[d]!, value)));
  }
  const edge = Math.max(...high.map((value, d) => value - low[d]!));
  if (!(edge > 0)) throw new ValueError(`normalize: expected points at different positions in ${first}`);
  return {
    kind: `${KIND}.ShiftAndScaleNormalizer`,
    shift: low.map((value) => -value),
    scale: low.map(() => scale / edge),
  };
}

/** Moments of the training cases; those of one config are computed once. */
async function momentsOf(
  training: FolderDatasetConfig,
  strategies: ReadonlyMap<string, Strategy>,
  create: Create,
): Promise<ReadonlyMap<string, RunningMoments>> {
  const known = memory.get(training) ?? new Map<string, Promise<ReadonlyMap<string, RunningMoments>>>();
  memory.set(training, known);
  const name = JSON.stringify([...strategies]);
  const computing = known.get(name) ?? computeMoments(create(rawConfig(training)), strategies);
  known.set(name, computing);
  return computing;
}

async function computeMoments(
  dataset: FolderData,
  strategies: ReadonlyMap<string, Strategy>,
): Promise<ReadonlyMap<string, RunningMoments>> {
  const logger = getLogger("FolderDataset");
  const keys = [...strategies.keys()];
  logger.info(`statistics of ${keys.join(", ")} over ${dataset.length} training cases`);
  const result = new Map(keys.map((key) => [key, new RunningMoments(strategies.get(key) === "log_mean_std")]));
  let last = performance.now();
  for (let index = 0; index < dataset.length; index++) {
    await scope(async () => {
      const sample = await dataset.getSelected(index, keys);
      for (const key of keys) {
        const value = sample[key] as Tensor;
        result.get(key)!.pushTensor(value.ndim === 1 ? value.unsqueeze(0) : value); // (1, K) or (N, C)
      }
    });
    if (performance.now() - last < 1000 * PROGRESS_INTERVAL) continue;
    last = performance.now();
    logger.info(`statistics: ${index + 1} of ${dataset.length} cases`);
  }
  return result;
}
