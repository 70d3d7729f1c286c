import { lookupKind } from "../../config/registry";
import type { DatasetBaseConfig } from "../base/dataset-config";

/** What a class of data sets is told before the run begins. */
export interface PrepareContext {
  /** The run's training set: `train`, or the first. */
  readonly training: DatasetBaseConfig;
  /** `data_specs` of the model; null where there is none. */
  readonly dataSpecs: unknown;
}

/** A class of data sets that has work to do before any is made: `static prepare(config, context)`. It may add to the config. */
interface PreparedClass {
  readonly prepare?: (config: DatasetBaseConfig, context: PrepareContext) => Promise<void>;
}

/**
 * Gives the class of each data set the opportunity to look at its files and to complete its config (statistics, for example), before the
 * data sets are made. What it adds is part of the config from then on: a run stores it.
 *
 * @param configs validated configs by the key of the data set
 */
export async function prepareDatasets(
  configs: Readonly<Record<string, DatasetBaseConfig>>,
  { dataSpecs = null }: { readonly dataSpecs?: unknown } = {},
): Promise<void> {
  const training = configs["train"] ?? Object.values(configs)[0];
  if (!training) return;
  for (const config of Object.values(configs)) {
    const type = lookupKind(config.kind).class as PreparedClass;
    await type.prepare?.(config, { training, dataSpecs });
  }
}
