import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { AssertionError, FileNotFoundError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { list, literal, optional, str } from "../../../config/schema";
import { StandardDatasetConfig } from "../../base/dataset-config";
import type { SampleInfo } from "../../base/dataset";
import type { Loaded } from "../../sample";
import { checkSplitIDs } from "../split-ids";
import { DATASET_STATISTICS } from "../statistics";
import { AeroDataset } from "./aero-dataset";
import { missingFile, rootFolder } from "./sample-file";
import { pickIds } from "./split-syntax";

const FILES = {
  surface_position: "surface_position.pt",
  surface_pressure: "surface_p.pt",
  surface_friction: "surface_wallShearStress.pt",
  volume_position: "volume_position.pt",
  volume_pressure: "volume_p.pt",
  volume_velocity: "volume_U.pt",
  volume_vorticity: "volume_vorticity.pt",
  volume_friction: "volume_wallShearStress.pt",
};

/** Files beside the designs: ids of each split, and of designs without usable data. */
const LISTS = ["train_design_ids.txt", "val_design_ids.txt", "test_design_ids.txt"] as const;
const BLACKLISTS = ["blacklist.txt", "blacklist2.txt"] as const;

/** Designs that the lists of the data set's authors name. */
const LISTED = 8121;

const category = () =>
  literal("F_S_WWS_WM", "N_S_WWS_WM", "F_S_WWC_WM", "N_S_WWC_WM", "N_S_WW_WM", "E_S_WW_WM", "E_S_WWC_WM", "F_D_WM_WW");

/** Config of {@link DrivAerNetDataset}. */
export const DrivAerNetDatasetConfig = StandardDatasetConfig.extend("DrivAerNetDatasetConfig", {
  fields: {
    /** `train`, `val` or `test`, or a part of one as in Python: `train[7]`, `train[:100]`, `test[10:50:2]`. */
    split: str(),
    /** Only designs of these categories. */
    filter_categories: optional(list(category())),
  },
});
export type DrivAerNetDatasetConfig = z.output<typeof DrivAerNetDatasetConfig>;

/** Ids of one split, in the order of the file. */
type Splits = Record<"train" | "val" | "test", string[]>;

/**
 * DrivAerNet++ (Elrefaie et al. 2024): variants of the DrivAer body in eight categories.
 *
 * A sample is a folder `<root>/<design>` with `surface_position.pt`, `surface_p.pt`, `surface_wallShearStress.pt`,
 * `volume_position.pt`, `volume_p.pt`, `volume_U.pt`, `volume_vorticity.pt`. Beside them are `train_design_ids.txt`,
 * `val_design_ids.txt`, `test_design_ids.txt` (an id a line, as published), and `blacklist.txt` and `blacklist2.txt`, whose designs
 * are left out. Samples have the order of the list. Keys: {@link AeroDataset}. Sample numbers beyond the end begin again.
 */
export class DrivAerNetDataset extends AeroDataset<DrivAerNetDatasetConfig> {
  static readonly schema = DrivAerNetDatasetConfig;
  static override readonly statistics = DATASET_STATISTICS.DrivAerNetDataset;
  readonly root: string;
  /** Names of the designs of this split. */
  readonly designIds: readonly string[];

  /**
   * @throws FileNotFoundError for a root that is not there; ValueError for lists that are not there, and for splits that do not
   *   exist; AssertionError for lists that are not whole, and for categories without designs
   */
  constructor(config: DrivAerNetDatasetConfig) {
    super(config, FILES);
    this.root = rootFolder("DrivAerNetDataset", config.root);
    const splits = readSplits(this.root);
    if (config.filter_categories !== null) keepCategories(splits, config.filter_categories);
    this.designIds = pickIds("DrivAerNetDataset", config.split, splits);
  }

  override get length(): number {
    return this.designIds.length;
  }

  override sampleFolder(index: number): string {
    return join(this.root, this.#id(index));
  }

  override sampleInfo(index: number): SampleInfo | null {
    return { ...super.sampleInfo(index), run_name: this.#id(index) };
  }

  /** @throws FileNotFoundError when there is no such file */
  protected override load(index: number, name: string): Loaded<unknown> {
    const path = join(this.sampleFolder(index), name);
    if (!existsSync(path)) throw new FileNotFoundError(missingFile("DrivAerNetDataset", path));
    return super.load(index, name);
  }

  #id(index: number): string {
    const { length } = this.designIds;
    const id = this.designIds[((index % length) + length) % length];
    if (id === undefined)
      throw new RangeError(`sample ${index} is outside of DrivAerNetDataset with ${length} samples`);
    return id;
  }
}

function readSplits(root: string): Splits {
  const missing = [...LISTS, ...BLACKLISTS].filter((name) => !existsSync(join(root, name)));
  if (missing.length > 0)
    throw new ValueError(`DrivAerNetDataset: expected ${missing.join(", ")} in ${root}, but there is no such file`);
  // lines are ids, or "<category>/<id>.vtk"
  const blacklist = new Set(
    BLACKLISTS.flatMap((name) => linesOf(join(root, name))).map((line) =>
      line.slice(line.lastIndexOf("/") + 1).replace(/\.vtk.*$/, ""),
    ),
  );
  const [train, val, test] = LISTS.map((name) => linesOf(join(root, name)));
  const total = train!.length + val!.length + test!.length;
  if (total !== LISTED)
    throw new AssertionError(
      `DrivAerNetDataset: expected ${LISTS.join(", ")} in ${root} to name ${LISTED} designs together, received ${total}`,
    );
  const kept = (ids: readonly string[]) => ids.filter((id) => !blacklist.has(id));
  const splits = { train: kept(train!), val: kept(val!), test: kept(test!) };
  checkSplitIDs(splits);
  return splits;
}

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Leaves designs of other categories out; `F_D_WM_WW_0001` is of the category `F_D_WM_WW`. */
function keepCategories(splits: Splits, categories: readonly string[]): void {
  for (const name of ["train", "val", "test"] as const) {
    splits[name] = splits[name].filter((id) => categories.includes(id.slice(0, id.lastIndexOf("_"))));
    if (splits[name].length === 0)
      throw new AssertionError(
        `DrivAerNetDataset: expected designs of ${categories.join(", ")} in every split, but "${name}" has none`,
      );
  }
}

register("noether.data.datasets.cfd.DrivAerNetDataset", {
  class: DrivAerNetDataset,
  aliases: ["noether.data.datasets.cfd.drivaernet.dataset.DrivAerNetDataset"],
});
