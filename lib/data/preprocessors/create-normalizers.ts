import { ValueError } from "../../config/python-errors";
import { lookupKind } from "../../config/registry";
import { keep } from "../../torch";
import type { Statistics } from "../stats/statistics";
import { ComposePreProcess } from "./compose";
import type { PreProcessor, PreProcessorOptions } from "./pre-processor";

type NormalizerConfigs = Readonly<Record<string, Record<string, unknown> | readonly Record<string, unknown>[]>>;

/**
 * The normalizers of `dataset_normalizers` by their key.
 *
 * @param statistics of the data set, for those that take their numbers from there; null: it has none
 * @throws ValueError for an entry without `kind`, KindError for one that nobody knows
 */
export function createNormalizers(
  configs: NormalizerConfigs | null | undefined,
  statistics: Statistics | null,
): ReadonlyMap<string, ComposePreProcess> {
  return new Map(
    Object.entries(configs ?? {}).map(([key, entries]) => {
      const chain = (Array.isArray(entries) ? (entries as Record<string, unknown>[]) : [entries]).map((entry) =>
        createPreProcessor(entry as Record<string, unknown>, key, statistics),
      );
      return [key, new ComposePreProcess(key, chain)] as const;
    }),
  );
}

function createPreProcessor(config: Record<string, unknown>, key: string, statistics: Statistics | null): PreProcessor {
  const kind = config["kind"];
  if (typeof kind !== "string") throw new ValueError(`expected a "kind" in the normalizer of "${key}"`);
  const PreProcessorClass = lookupKind(kind).class as new (
    config: unknown,
    key: string,
    options: PreProcessorOptions,
  ) => PreProcessor;
  return keep(new PreProcessorClass(config, key, { statistics }));
}
