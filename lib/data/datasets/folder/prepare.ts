/** What is done with a config before a run begins: the first case is looked at, and the statistics of the training set are computed. */
import { ValueError } from "../../../config/python-errors";
import { getLogger } from "../../../core/logging";
import { scope, type Tensor } from "../../../torch";
import type { DatasetProtocol } from "../../base/dataset";
import type { DatasetBaseConfig } from "../../base/dataset-config";
import type { PrepareContext } from "../../factory/prepare-datasets";
import { expandUser } from "../../../core/providers/expand-user";
import { MeanStdNormalization } from "../../preprocessors/normalizers/mean-std";
import type { FolderDatasetConfig, Strategy } from "./config";
import { rootOf } from "./cases";
import { fixedFolder } from "./glob";
import { checkSpecs } from "./specs";
import { computeStatistics, constantChannels, type ChannelStatistics } from "./statistics";
import { cachePath, readCache, writeCache } from "./statistics-cache";
import { strategyOf } from "./strategy";

const KIND = "noether.data.preprocessors.normalizers";

/** What is needed of the data set. */
export interface FolderData extends Pick<DatasetProtocol, "length" | "getterKeys" | "getSelected"> {
  /** Names of the cases. */
  readonly names: readonly string[];
  /** The files of all cases that some keys are read from. */
  filesOf(keys: readonly string[]): string[];
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
    Object.entries(config.domains).map(([name, domain]) => [name, { ...domain, max_points: null, seed: null }]),
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

async function statisticsNormalizers(
  training: FolderDatasetConfig,
  config: FolderDatasetConfig,
  strategies: ReadonlyMap<string, Strategy>,
  create: Create,
): Promise<Record<string, Record<string, unknown>[]>> {
  const statistics = await statisticsOf(training, strategies, create);
  for (const [key, { mean }] of statistics) requireFinite(key, mean);
  const normalizers: Record<string, Record<string, unknown>[]> = {};
  const positions = [...strategies].flatMap(([key, strategy]) => (strategy === "position" ? [key] : []));
  if (positions.length > 0) {
    const box = boxOf(
      positions.map((key) => [key, statistics.get(key)!]),
      config.position_scale,
    );
    for (const key of positions) normalizers[key] = [box];
  }
  for (const [key, strategy] of strategies) {
    if (strategy === "position") continue;
    const own = statistics.get(key)!;
    const constant = constantChannels(own);
    if (constant.length > 0 && config === training)
      getLogger("FolderDataset").warning(
        `${key} has the same value everywhere in the training cases (channel ${constant.join(", ")}): it is shifted, and not scaled`,
      );
    const std = own.std.map((value, channel) => (constant.includes(channel) ? 1 : value));
    normalizers[key] = [momentNormalizer(own.mean, std, strategy === "log_mean_std")];
  }
  return normalizers;
}

/** With `non_finite: keep` a single NaN is the mean of all values. */
function requireFinite(key: string, mean: readonly number[]): void {
  if (mean.every(Number.isFinite)) return;
  throw new ValueError(
    `FolderDataset: ${key} has NaN or infinite values in the training cases, so that normalize has no numbers for it: take non_finite: drop, give numbers in dataset_normalizers, or let normalize say ${key}: none`,
  );
}

/** The normalizer of mean and deviation; for small deviations one that takes them as they are. */
function momentNormalizer(mean: readonly number[], std: readonly number[], logscale: boolean): Record<string, unknown> {
  const more = logscale ? { logscale } : {};
  if (std.every((value) => value > MeanStdNormalization.EPSILON))
    return { kind: `${KIND}.MeanStdNormalization`, mean, std, ...more };
  const [shift, scale] = [mean.map((value) => -value), std.map((value) => 1 / value)];
  return { kind: `${KIND}.ShiftAndScaleNormalizer`, shift, scale, ...more };
}

/** One cube for all positions, so that domains keep their places and shapes their angles. Points outside are no error. */
function boxOf(positions: readonly (readonly [string, ChannelStatistics])[], scale: number): Record<string, unknown> {
  const [[first, { min, max }]] = positions as [[string, ChannelStatistics]];
  const [low, high] = [[...min], [...max]];
  for (const [key, own] of positions) {
    if (own.min.length !== low.length)
      throw new ValueError(
        `normalize: expected positions of one dimension, but ${first} has ${low.length} and ${key} ${own.min.length}`,
      );
    own.min.forEach((value, d) => (low[d] = Math.min(low[d]!, value)));
    own.max.forEach((value, d) => (high[d] = Math.max(high[d]!, value)));
  }
  const edge = Math.max(...high.map((value, d) => value - low[d]!));
  if (!(edge > 0)) throw new ValueError(`normalize: expected points at different positions in ${first}`);
  return {
    kind: `${KIND}.ShiftAndScaleNormalizer`,
    shift: low.map((value) => -value),
    scale: low.map(() => scale / edge),
  };
}

/** By the path of the file, for the other data sets of a run where it cannot be written. */
const computedHere = new Map<string, ReadonlyMap<string, ChannelStatistics>>();

/** Statistics of the training cases, from the file of an earlier run where nothing has changed. */
async function statisticsOf(
  training: FolderDatasetConfig,
  strategies: ReadonlyMap<string, Strategy>,
  create: Create,
): Promise<ReadonlyMap<string, ChannelStatistics>> {
  const keys = [...strategies.keys()];
  const raw = rawConfig(training);
  const dataset = create(raw);
  const [pattern] = [training.cases.pattern].flat();
  const path = cachePath({
    folder: fixedFolder(expandUser(pattern!), rootOf(training.root)),
    config: [raw.domains, raw.conditions, raw.non_finite, [...strategies]],
    files: dataset.filesOf(keys),
  });
  const known = computedHere.get(path) ?? readCache(path, keys);
  if (known) {
    getLogger("FolderDataset").debug(`statistics of ${keys.join(", ")}: ${path}`);
    return known;
  }
  const options = [...strategies].map(([key, strategy]) => [key, { logscale: strategy === "log_mean_std" }] as const);
  const computed = await computeStatistics(dataset, new Map(options));
  computedHere.set(path, computed);
  writeCache(path, computed);
  return computed;
}
