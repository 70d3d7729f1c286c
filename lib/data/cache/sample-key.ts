import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { versions } from "../../torch";
import type { Dataset } from "../base/dataset";
import { plainConfig } from "../factory/dataset-source";

/** Keys of a data set's config that say nothing about what its getters give. */
const IRRELEVANT = ["pipeline", "dataset_wrappers", "included_properties", "excluded_properties"];

/** What decides the content of all samples: the code of the data set's classes, its config, and its statistics. */
export function datasetKey(dataset: Dataset): string {
  const code: string[] = [];
  for (let type: unknown = dataset.constructor; typeof type === "function"; type = Object.getPrototypeOf(type)) {
    code.push(Function.prototype.toString.call(type));
  }
  const config = plainConfig(dataset.config) as Record<string, unknown>;
  for (const key of IRRELEVANT) delete config[key];
  return hash({ version: versions().addon, code, config, statistics: dataset.statistics });
}

/**
 * What decides the content of one sample: {@link datasetKey}, its number, its keys, and its files with their times.
 *
 * @param files - files and folders of the sample; null: the data set does not tell
 */
export function sampleKey(
  dataset: string,
  index: number,
  keys: readonly string[],
  files: readonly string[] | null,
): string {
  return hash({ dataset, index, keys, files: files?.map(identity) ?? null });
}

/** Names, sizes and times of a file, or of all files in a folder; null: there is none. */
export function identity(path: string): unknown {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (stats === undefined) return null;
  if (!stats.isDirectory()) return [path, String(stats.size), String(stats.mtimeNs), String(stats.ino)];
  return readdirSync(path)
    .sort()
    .map((name) => identity(join(path, name)));
}

function hash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
