import { lookupKind, findKind } from "../../config/registry";
import { ConfigError } from "../../config/errors";
import { ValueError } from "../../config/python-errors";
import { isMapping, mapping, registered, validateConfig } from "../../config/schema";
import {
  Collator,
  createNormalizers,
  createPipeline,
  DATASET_STATISTICS,
  DatasetBaseConfig,
  NormalizerChain,
  readStatistics,
  type ComposePreProcess,
  type Statistics,
} from "../../data";
import type { DataDescription } from "../predict/data-description";
import type { StoredConfig } from "./stored-config";

/** What the data sets of a run say about samples; what the run did not store is given here. */
export interface DataOptions {
  /** Key of the data set whose pipeline and normalizers are used. Default: `test`, else `val`, else `train`, else the first. */
  readonly dataset?: string;
  /** Normalizers by sample key, as `dataset_normalizers` of a config has them; null: the values are used as they are. */
  readonly normalizers?: Readonly<Record<string, unknown>> | null;
  /** Numbers for `FieldNormalizer`, or the path of a file with them. */
  readonly statistics?: Statistics | string;
  /** From samples to batches: a ready pipeline, its config with `kind`, or null for one that stacks every entry. */
  readonly pipeline?: unknown;
}

/**
 * The pipeline and the normalizers of a run.
 *
 * @param outputs - sample keys of the predicted fields
 * @throws ValueError that names everything which is not stored, and the option that gives it
 */
export function describeData(
  stored: StoredConfig,
  options: DataOptions,
  outputs: readonly string[],
  where: string,
): DataDescription {
  const key = chooseDataset(stored, options.dataset);
  const config = key === null ? null : completeDataset(stored, key);
  const record = key === null ? null : (stored.record?.datasets[key] ?? null);
  const missing: string[] = [];
  if (config === null && options.pipeline === undefined)
    missing.push('"pipeline" (from samples to batches: a config with kind, or null for one that stacks every entry)');
  if (config === null && options.normalizers === undefined)
    missing.push(
      '"normalizers" (by sample key, as dataset_normalizers of a config; null: values are used as they are)',
    );
  if (missing.length > 0)
    throw new ValueError(
      `${where}: expected hp_resolved.yaml, which says how samples are scaled and become batches, got none; give loadRun the options ${missing.join(" and ")}`,
    );
  const normalizers = normalizersOf(stored, options, config, record?.statistics ?? null, where);
  const properties = record?.properties ?? null;
  const normalizerOf = (name: string): ComposePreProcess | null => {
    const own = properties === null || !(name in properties) ? name : properties[name];
    return own === null || own === undefined ? null : (normalizers.get(own) ?? null);
  };
  if (properties === null && options.normalizers === undefined) {
    const unknown = outputs.filter((name) => !normalizers.has(name));
    if (unknown.length > 0)
      throw new ValueError(
        `${where}: expected normalizers of the predicted fields ${unknown.join(", ")} in dataset_normalizers of the stored config, got ${[...normalizers.keys()].join(", ") || "none"}; give loadRun { normalizers: { ${unknown[0]}: { kind, … } } }, or { normalizers: null } if the values of this run were not scaled`,
      );
  }
  return {
    dataset: key,
    pipeline: pipelineOf(stored, options, config, where),
    normalizers,
    sampleKeys: properties === null ? null : Object.keys(properties),
    normalizerOf,
  };
}

function chooseDataset({ datasets }: StoredConfig, wanted: string | undefined): string | null {
  const names = Object.keys(datasets);
  if (wanted !== undefined && !names.includes(wanted))
    throw new ValueError(`expected the key of a data set of the run, got "${wanted}"; there are ${names.join(", ")}`);
  return wanted ?? ["test", "val", "train"].find((name) => names.includes(name)) ?? names[0] ?? null;
}

/** A data set's config with its defaults; as it was written where its class is not there. */
function completeDataset({ datasets }: StoredConfig, key: string): Record<string, unknown> {
  const written = datasets[key] as Record<string, unknown>;
  const kind = written["kind"];
  if (typeof kind !== "string" || findKind(kind) === undefined) return written;
  try {
    return validateConfig(registered(DatasetBaseConfig), written) as Record<string, unknown>;
  } catch (error) {
    // only what concerns the pipeline and the normalizers matters here: whoever uses them tells
    if (error instanceof ConfigError) return written;
    throw error;
  }
}

function normalizersOf(
  stored: StoredConfig,
  { normalizers: given, statistics: numbers }: DataOptions,
  config: Record<string, unknown> | null,
  recorded: Statistics | null,
  where: string,
): ReadonlyMap<string, ComposePreProcess> {
  if (given === null) return new Map();
  const own = config?.["dataset_normalizers"];
  const all = { ...(isMapping(own) ? own : {}), ...given };
  const configs = validateConfig(mapping(NormalizerChain), all);
  const statistics =
    typeof numbers === "string" ? readStatistics(numbers) : (numbers ?? recorded ?? shippedStatistics(config));
  try {
    return createNormalizers(configs, statistics);
  } catch (error) {
    throw new ValueError(
      `${where}: ${(error as Error).message}; give loadRun { statistics } (numbers by name, or a file of them)`,
      { cause: error },
    );
  }
}

/** Statistics of a class of data sets: its own, or those that come with the data sets of the Python framework. */
function shippedStatistics(config: Record<string, unknown> | null): Statistics | null {
  const kind = String(config?.["kind"] ?? "");
  const { statistics, statsFile } = (findKind(kind)?.class ?? {}) as {
    statistics?: Statistics | null;
    statsFile?: string | null;
  };
  if (statistics) return statistics;
  if (statsFile) return readStatistics(statsFile);
  const name = kind.slice(kind.lastIndexOf(".") + 1);
  return Object.hasOwn(DATASET_STATISTICS, name)
    ? (DATASET_STATISTICS as Readonly<Record<string, Statistics>>)[name]!
    : null;
}

function pipelineOf(
  { unloaded }: StoredConfig,
  { pipeline: given }: DataOptions,
  config: Record<string, unknown> | null,
  where: string,
): Collator {
  if (given instanceof Collator) return given;
  const written = given === undefined ? config?.["pipeline"] : given;
  if (!isMapping(written)) return createPipeline(written);
  const kind = String(written["kind"]);
  const problem = unloaded.get(kind);
  try {
    if (problem) throw problem;
    const { schema } = lookupKind(kind);
    return createPipeline(schema === undefined ? written : validateConfig(schema as never, written));
  } catch (error) {
    throw new ValueError(
      `${where}: the pipeline of the run cannot be built: ${(error as Error).message}; give loadRun { pipeline } (a pipeline, or its config with kind)`,
      { cause: error },
    );
  }
}
