import { join } from "node:path";
import { ValueError } from "../../../config/python-errors";
import { isMapping } from "../../../config/schema";
import type { SampleInfo } from "../../base/dataset";
import { Tensor, tensor } from "../../../torch";
import { DATASET_STATISTICS } from "../statistics";
import { AeroDataset, idAt, type AeroDatasetConfig } from "./aero-dataset";
import { runName } from "./caeml";
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

/**
 * Base of the two forms of Emmi-Wing, transonic flow around wings.
 *
 * A sample is a folder `<root>/run_<id>` with `surface_position.pt`, `surface_pressure.pt`, `surface_wall_shear_stress.pt`,
 * `volume_position.pt`, `volume_pressure.pt`, `volume_velocity.pt`, `volume_vorticity.pt` and `design_parameters.pt`, a mapping of names to
 * numbers. Keys: {@link AeroDataset}, and
 *
 * | key | shape | content |
 * |---|---|---|
 * | `geometry_design_parameters` | (1, 5) | root chord, span, taper ratio, sweep, dihedral |
 * | `inflow_design_parameters` | (1, 2) | inflow velocity, angle of attack |
 *
 * which pass the normalizers of their names.
 */
export abstract class WingDataset<C extends AeroDatasetConfig> extends AeroDataset<C> {
  static override readonly statistics = DATASET_STATISTICS.EmmiWingDataset;
  readonly root: string;
  /** Numbers of the runs of this split, ascending. */
  readonly designIds: readonly number[];

  /**
   * @param idsOf ids of the split, by the folder of the data
   * @throws FileNotFoundError when there is no root
   */
  constructor(config: C, idsOf: (root: string) => readonly number[]) {
    super(config, FILES);
    this.root = rootFolder(this.constructor.name, config.root);
    this.designIds = idsOf(this.root);
    for (const [key, names] of Object.entries(PARAMETERS))
      this.addGetter(key, (index) => this.#parameters(index, names), { normalize: true });
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
      throw new TypeError(`${this.constructor.name}: expected ${path} to hold a mapping of names to numbers`);
    const numbers = names.map((name) => {
      const value = parameters.get(name);
      const number = value instanceof Tensor && value.numel() === 1 ? Number(value.item()) : value;
      if (typeof number === "number") return number;
      throw new ValueError(
        `${this.constructor.name}: expected the number "${name}" in ${path}, which has ${[...parameters.keys()].join(", ")}`,
      );
    });
    return tensor([numbers]);
  }
}
