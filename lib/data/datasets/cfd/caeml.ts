import { existsSync } from "node:fs";
import { join } from "node:path";
import type { StandardDatasetConfig } from "../../base/dataset-config";
import type { SampleInfo } from "../../base/dataset";
import { randomOrder } from "../../random/permutation";
import type { FileMap } from "../file-map";
import { AeroDataset, idAt } from "./aero-dataset";
import { rootFolder } from "./sample-file";

const FILES = {
  surface_position: "surface_position_vtp.pt",
  surface_pressure: "surface_pressure.pt",
  surface_friction: "surface_wallshearstress.pt",
  surface_normals: "surface_normal_vtp.pt",
  surface_area: "surface_area_vtp.pt",
  volume_position: "volume_cell_position.pt",
  volume_pressure: "volume_cell_totalpcoeff.pt",
  volume_velocity: "volume_cell_velocity.pt",
  volume_vorticity: "volume_cell_vorticity.pt",
};

/** Sample keys that come from files which the preprocessing of the Python framework does not write. */
const OPTIONAL = { surface_normals: ["surface_normals", "surface_sdf"], surface_area: ["surface_area"] } as const;

/**
 * Base of AhmedML and DrivAerML. A sample is a folder `<root>/run_<id>` with `surface_position_vtp.pt`, `surface_pressure.pt`,
 * `surface_wallshearstress.pt`, `volume_cell_position.pt`, `volume_cell_totalpcoeff.pt` (the `volume_pressure`: the total
 * pressure coefficient), `volume_cell_velocity.pt`, `volume_cell_vorticity.pt`. `surface_normal_vtp.pt` and
 * `surface_area_vtp.pt` give keys where the first sample has them, or `included_properties` asks for them. Other keys: {@link AeroDataset}.
 */
export abstract class CAEMLDataset extends AeroDataset<StandardDatasetConfig> {
  readonly root: string;
  /** Numbers of the runs of this split, ascending. */
  readonly designIds: readonly number[];

  /** @throws FileNotFoundError when there is no folder `root`; the files of a sample are looked at when it is read */
  constructor(config: StandardDatasetConfig, designIds: readonly number[]) {
    const root = rootFolder(new.target.name, config.root);
    super(config, filesOf(config, join(root, runName(designIds[0]!))));
    this.root = root;
    this.designIds = designIds;
  }

  override get length(): number {
    return this.designIds.length;
  }

  override sampleFolder(index: number): string {
    return join(this.root, runName(idAt(this.constructor.name, this.designIds, index)));
  }

  override sampleInfo(index: number): SampleInfo | null {
    const id = idAt(this.constructor.name, this.designIds, index);
    return { ...super.sampleInfo(index), run_name: runName(id), run_number: id, design_id: id };
  }
}

/** Name of the folder of a run. */
export function runName(id: number): string {
  return `run_${id}`;
}

/** The order of the 500 runs, from 1, which the splits of both data sets are cut from. */
export function caemlOrder(): number[] {
  return randomOrder(500, 42).map((number) => number + 1);
}

/** A copy in ascending order. */
export function ascending(ids: readonly number[]): number[] {
  return [...ids].sort((a, b) => a - b);
}

function filesOf(config: StandardDatasetConfig, folder: string): Partial<FileMap> {
  const files: Partial<FileMap> = { ...FILES };
  for (const [field, keys] of Object.entries(OPTIONAL) as [keyof typeof OPTIONAL, readonly string[]][]) {
    const isWanted = keys.some((key) => config.included_properties?.includes(key));
    if (!isWanted && !existsSync(join(folder, FILES[field]))) files[field] = null;
  }
  return files;
}
