import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { z } from "zod";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { isMapping, literal, optional, str } from "../../../config/schema";
import { expandUser } from "../../../core/providers/expand-user";
import { StandardDatasetConfig } from "../../base/dataset-config";
import type { SampleInfo } from "../../base/dataset";
import { Tensor, tensor } from "../../../torch";
import { checkSplitIDs } from "../split-ids";
import { DATASET_STATISTICS } from "../statistics";
import { AeroDataset, idAt } from "./aero-dataset";
import { ascending, runName } from "./caeml";
import { rootFolder } from "./sample-file";

const FILES = {
  surface_position: "surface_position.pt",
  surface_pressure: "surface_pressure.pt",
  surface_friction: "surface_wall_shear_stress.pt",
  volume_position: "volume_position.pt",
  volume_pressure: "volume_pressure.pt",
  volume_velocity: "volume_velocity.pt",
  volume_vorticity: "volume_vorticity.pt",
  design_parameters: "design_parameters.pt",
};

/** Sample keys of the numbers of a design, in the order that models take them. */
const PARAMETERS = {
  geometry_design_parameters: ["chord_root", "span", "taper_ratio", "sweep", "dihedral"],
  inflow_design_parameters: ["inflow_velocity", "aoa"],
};

const LARGEST_ID = 29999;

/** Config of {@link EmmiWingDataset}. */
export const EmmiWingDatasetConfig = StandardDatasetConfig.extend("EmmiWingDatasetConfig", {
  fields: {
    split: literal("train", "val", "test", "test_extrapol", "test_interpol", "train_subset"),
    /** JSON file with the ids of each split, `{ "train": [0, 1], … }`. Default: `splits.json` in `root`. */
    splits_path: optional(str()),
  },
});
export type EmmiWingDatasetConfig = z.output<typeof EmmiWingDatasetConfig>;

/**
 * Emmi-Wing: transonic flow around 29727 wings.
 *
 * A sample is a folder `<root>/run_<id>` with `surface_position.pt`, `surface_pressure.pt`, `surface_wall_shear_stress.pt`,
 * `volume_position.pt`, `volume_pressure.pt`, `volume_velocity.pt`, `volume_vorticity.pt` and `design_parameters.pt`, a mapping of names to
 * numbers. The ids of the splits are those of a file (`splits_path`), as no rule gives them. Keys: {@link AeroDataset}, and
 *
 * | key | shape | content |
 * |---|---|---|
 * | `geometry_design_parameters` | (1, 5) | root chord, span, taper ratio, sweep, dihedral |
 * | `inflow_design_parameters` | (1, 2) | inflow velocity, angle of attack |
 *
 * which pass the normalizers of their names.
 */
export class EmmiWingDataset extends AeroDataset<EmmiWingDatasetConfig> {
  static readonly schema = EmmiWingDatasetConfig;
  static override readonly statistics = DATASET_STATISTICS.EmmiWingDataset;
  readonly root: string;
  /** Numbers of the runs of this split, ascending. */
  readonly designIds: readonly number[];

  /** @throws FileNotFoundError when there is no root or no file with splits; ValueError when that has other content */
  constructor(config: EmmiWingDatasetConfig) {
    super(config, FILES);
    this.root = rootFolder("EmmiWingDataset", config.root);
    const path = config.splits_path === null ? join(this.root, "splits.json") : resolve(expandUser(config.splits_path));
    this.designIds = readSplit(path, config.split);
    for (const [key, names] of Object.entries(PARAMETERS))
      this.addGetter(key, (index) => this.#parameters(index, names), { normalize: true });
  }

  override get length(): number {
    return this.designIds.length;
  }

  override sampleFolder(index: number): string {
    return join(this.root, runName(idAt("EmmiWingDataset", this.designIds, index)));
  }

  override sampleInfo(index: number): SampleInfo | null {
    const id = idAt("EmmiWingDataset", this.designIds, index);
    return { ...super.sampleInfo(index), run_name: runName(id), run_number: id, design_id: id };
  }

  /** (1, K) */
  async #parameters(index: number, names: readonly string[]): Promise<Tensor> {
    const file = this.fileMap.design_parameters!;
    const path = join(this.sampleFolder(index), file);
    const content = await this.load(index, file);
    const parameters =
      content instanceof Map
        ? (content as Map<unknown, unknown>)
        : isMapping(content) && !(content instanceof Tensor)
          ? new Map<unknown, unknown>(Object.entries(content))
          : null;
    if (parameters === null)
      throw new TypeError(`EmmiWingDataset: expected ${path} to hold a mapping of names to numbers`);
    const numbers = names.map((name) => {
      const value = parameters.get(name);
      const number = value instanceof Tensor && value.numel() === 1 ? Number(value.item()) : value;
      if (typeof number === "number") return number;
      throw new ValueError(
        `EmmiWingDataset: expected the number "${name}" in ${path}, which has ${[...parameters.keys()].join(", ")}`,
      );
    });
    return tensor([numbers]);
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
