import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { getLogger } from "../../../core/logging";
import { StandardDatasetConfig } from "../../base/dataset-config";
import type { SampleInfo } from "../../base/dataset";
import { checkSplitIDs, type DatasetSplitIDs } from "../split-ids";
import { DATASET_STATISTICS } from "../statistics";
import { AeroDataset, idAt } from "./aero-dataset";
import { isFolder, rootFolder } from "./sample-file";

const FILES = {
  surface_position: "surface_points.pt",
  surface_pressure: "surface_pressure.pt",
  surface_normals: "surface_normals.pt",
  volume_position: "volume_points.pt",
  volume_velocity: "volume_velocity.pt",
  volume_distance_to_surface: "volume_sdf.pt",
  volume_normals: "volume_normals.pt",
};

/** Folders of the raw data that have no surface. */
const WITHOUT_SURFACE: ReadonlySet<string> = new Set([
  "854bb96a96a4d1b338acbabdc1252e2f",
  "85bb9748c3836e566f81b21e2305c824",
  "9ec13da6190ab1a3dd141480e2c154d3",
  "c5079a5b8d59220bc3fb0d224baae2a",
]);

/** Simulations of the whole data set. */
const SIZES: Readonly<Record<string, number>> = { train: 789, test: 100 };

/**
 * Splits of ShapeNet-Car by the folders that are there: the simulations of `param0` are `test`, those of `param1` to `param8`
 * `train`; `val` is empty. Ids are `param1/<name>`, ascending.
 *
 * @param folder with `param0` to `param8`
 */
export function shapeNetCarSplitIDs(folder: string): DatasetSplitIDs {
  const idsOf = (params: readonly number[]): string[] =>
    params
      .map((number) => `param${number}`)
      .filter((param) => isFolder(join(folder, param)))
      .flatMap((param) =>
        readdirSync(join(folder, param))
          .filter((name) => !WITHOUT_SURFACE.has(name) && isFolder(join(folder, param, name)))
          .map((name) => `${param}/${name}`),
      )
      .sort();
  return checkSplitIDs({ train: idsOf([1, 2, 3, 4, 5, 6, 7, 8]), val: [], test: idsOf([0]) });
}

/**
 * ShapeNet-Car (Umetani and Bickel 2018): pressure on 889 cars and the velocity around them.
 *
 * A sample is a folder `<root>/preprocessed/param<k>/<name>` with `surface_points.pt` (up to 3586 points), `surface_pressure.pt`,
 * `surface_normals.pt`, `volume_points.pt` (up to 28504), `volume_velocity.pt`, `volume_sdf.pt`, `volume_normals.pt`;
 * `root` may be the folder `preprocessed` itself. Splits: `train` and `test`, see {@link shapeNetCarSplitIDs}. Keys:
 * {@link AeroDataset}.
 */
export class ShapeNetCarDataset extends AeroDataset<StandardDatasetConfig> {
  static readonly schema = StandardDatasetConfig;
  static override readonly statistics = DATASET_STATISTICS.ShapeNetCarDataset;
  /** The folder with `param0` to `param8`. */
  readonly root: string;
  /** Ids of this split, ascending. */
  readonly designIds: readonly string[];

  /** @throws FileNotFoundError when the folder or its simulations are not there, ValueError for the split `val` */
  constructor(config: StandardDatasetConfig) {
    super(config, FILES);
    if (config.split === "val")
      throw new ValueError('ShapeNetCarDataset: expected the split "train" or "test", received "val", which is empty');
    this.root = preprocessedFolder(config.root);
    this.designIds = shapeNetCarSplitIDs(this.root)[config.split] as string[];
    const [found, size] = [this.designIds.length, SIZES[config.split]!];
    if (found === 0) {
      const params = config.split === "test" ? "param0" : "param1 to param8";
      throw new FileNotFoundError(
        `ShapeNetCarDataset: expected simulations in the folders ${params} of ${this.root}, but there are none`,
      );
    }
    if (found !== size)
      getLogger("ShapeNetCarDataset").warning(
        `the split "${config.split}" has ${found} of the ${size} simulations of the data set in ${this.root}`,
      );
  }

  override get length(): number {
    return this.designIds.length;
  }

  override sampleFolder(index: number): string {
    return join(this.root, idAt("ShapeNetCarDataset", this.designIds, index));
  }

  override sampleInfo(index: number): SampleInfo | null {
    return { ...super.sampleInfo(index), run_name: idAt("ShapeNetCarDataset", this.designIds, index) };
  }
}

function preprocessedFolder(root: string): string {
  const folder = rootFolder("ShapeNetCarDataset", root);
  if (basename(folder) === "preprocessed") return folder;
  if (!isFolder(join(folder, "preprocessed")))
    throw new FileNotFoundError(`ShapeNetCarDataset: expected the folder "preprocessed" in ${folder}`);
  return join(folder, "preprocessed");
}

register("noether.data.datasets.cfd.ShapeNetCarDataset", {
  class: ShapeNetCarDataset,
  aliases: [
    "noether.data.datasets.cfd.shapenet_car.ShapeNetCarDataset",
    "noether.data.datasets.cfd.shapenet_car.dataset.ShapeNetCarDataset",
  ],
});
