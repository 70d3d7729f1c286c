import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readYaml, toPlain } from "../../config";
import { displayPath } from "../../config/compose/config-files";
import { defineConfig, float, list, mapping, optional, str, validateConfig } from "../../config/schema";
import { writeYamlFile } from "../../core/writers/yaml-file";
import type { Dataset, DatasetProtocol } from "../base/dataset";
import { DatasetWrapper } from "../wrappers/dataset-wrapper";

/** Name of the file in the folder of a run. */
export const DATA_RECORD = "data_record.yaml";

const DatasetRecord = defineConfig("DatasetRecord", {
  extra: "ignore",
  fields: {
    /** Key of the normalizer by sample key; null where values are used as they are. */
    properties: mapping(optional(str())),
    /** Numbers that normalizers took from the class or the files of the data set. */
    statistics: optional(mapping(z.union([float(), list(float())]))),
  },
});

/**
 * What predictions need to know of a run's data sets and cannot ask them, since the data is not there: it stands beside
 * `hp_resolved.yaml`, which keeps the form that the Python framework reads.
 */
export const DataRecord = defineConfig("DataRecord", {
  extra: "ignore",
  fields: {
    /** Folder that kinds such as `./model.ts#Model` are relative to. */
    project: optional(str()),
    /** The data sets, by their keys. */
    datasets: mapping(DatasetRecord),
  },
});
export type DataRecord = z.output<typeof DataRecord>;

/** Writes what is known of the data sets into the folder of a run. */
export function writeDataRecord(
  folder: string,
  datasets: ReadonlyMap<string, DatasetProtocol>,
  project: string = process.cwd(),
): void {
  const entries = [...datasets].map(([name, dataset]) => {
    const base = dataset instanceof DatasetWrapper ? dataset.base : (dataset as Dataset);
    const properties = Object.fromEntries(dataset.getterKeys().map((key) => [key, base.normalizerKey(key)]));
    return [name, { properties, statistics: base.statistics }] as const;
  });
  writeYamlFile(join(folder, DATA_RECORD), { project, datasets: Object.fromEntries(entries) });
}

/**
 * What a run wrote of its data sets; null for runs of the Python framework and of versions before this file.
 *
 * @throws ConfigError that names the file, when it is damaged
 */
export function readDataRecord(folder: string): DataRecord | null {
  const file = join(folder, DATA_RECORD);
  return existsSync(file) ? parseDataRecord(readFileSync(file, "utf8"), file) : null;
}

/** The text of such a file; `source` is where it comes from, for messages. */
export function parseDataRecord(text: string | null, source: string): DataRecord | null {
  if (text === null) return null;
  const tree = readYaml(text, displayPath(source));
  return validateConfig(DataRecord, toPlain(tree), () => ({ file: displayPath(source) }));
}
