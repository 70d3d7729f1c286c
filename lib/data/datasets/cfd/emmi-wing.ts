import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { z } from "zod";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { isMapping, literal, optional, str } from "../../../config/schema";
import { expandUser } from "../../../core/providers/expand-user";
import { StandardDatasetConfig } from "../../base/dataset-config";
import { checkSplitIDs } from "../split-ids";
import { ascending } from "./caeml";
import { WingDataset } from "./wing-dataset";

const LARGEST_ID = 29999;

/** Config of {@link EmmiWingDataset}. */
export const EmmiWingDatasetConfig = StandardDatasetConfig.extend("EmmiWingDatasetConfig", {
  fields: {
    /** Which part of the data. */
    split: literal("train", "val", "test", "test_extrapol", "test_interpol", "train_subset"),
    /** JSON file with the ids of each split, `{ "train": [0, 1], … }`. Default: `splits.json` in `root`. */
    splits_path: optional(str()),
  },
});
export type EmmiWingDatasetConfig = z.output<typeof EmmiWingDatasetConfig>;

/**
 * Emmi-Wing: 29727 wings. The ids of the splits are those of a file (`splits_path`), as no rule gives them. Files and keys:
 * {@link WingDataset}.
 */
export class EmmiWingDataset extends WingDataset<EmmiWingDatasetConfig> {
  static readonly schema = EmmiWingDatasetConfig;

  /** @throws FileNotFoundError when there is no root or no file with splits; ValueError when that has other content */
  constructor(config: EmmiWingDatasetConfig) {
    const { splits_path: path, split } = config;
    super(config, (root) => readSplit(path === null ? join(root, "splits.json") : resolve(expandUser(path)), split));
  }
}

function readSplit(path: string, split: string): number[] {
  if (!existsSync(path))
    throw new FileNotFoundError(
      `EmmiWingDataset: expected the ids of the splits in ${path}, but there is no such file; splits_path names another. It is JSON, { "train": [0, 1], "val": [2], "test": [3] }, with the lists published with the data`,
    );
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ValueError(`EmmiWingDataset: expected ${path} to be JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isMapping(content))
    throw new ValueError(`EmmiWingDataset: expected ${path} to be a mapping of splits to lists of ids`);
  const splits = new Map(Object.entries(content).map(([name, ids]) => [name, checkIds(path, name, ids)]));
  checkSplitIDs({ train: [], val: [], test: [], ...Object.fromEntries(splits) });
  const ids = splits.get(split);
  if (ids === undefined)
    throw new ValueError(
      `EmmiWingDataset: expected the split "${split}" in ${path}, which has ${[...splits.keys()].join(", ")}`,
    );
  return ids;
}

function checkIds(path: string, split: string, ids: unknown): number[] {
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) <= LARGEST_ID;
  if (!Array.isArray(ids) || !ids.every(isId) || new Set(ids).size !== ids.length)
    throw new ValueError(
      `EmmiWingDataset: expected "${split}" in ${path} to be a list of different whole numbers from 0 to ${LARGEST_ID}`,
    );
  return ascending(ids as number[]);
}

register("noether.data.datasets.cfd.EmmiWingDataset", {
  class: EmmiWingDataset,
  aliases: [
    "noether.data.datasets.cfd.emmi_wing.EmmiWingDataset",
    "noether.data.datasets.cfd.emmi_wing.dataset.EmmiWingDataset",
  ],
});
