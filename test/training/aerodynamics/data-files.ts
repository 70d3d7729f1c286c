/** Files of the public data sets in their real layouts, with few points: enough for every experiment to train on. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ahmedMLSplitIDs, drivAerMLSplitIDs } from "../../../lib/data";
import { Generator, rand, save, scope } from "../../../lib/torch";

/** Points of a surface and of a volume. */
const POINTS = { surface: 40, volume: 60 };

/** Files of a sample and their channels. */
type Layout = Readonly<Record<string, 1 | 3>>;

const SHAPENET: Layout = {
  "surface_points.pt": 3,
  "surface_pressure.pt": 1,
  "surface_normals.pt": 3,
  "volume_points.pt": 3,
  "volume_velocity.pt": 3,
  "volume_sdf.pt": 1,
  "volume_normals.pt": 3,
};
const CAEML: Layout = {
  "surface_position_vtp.pt": 3,
  "surface_pressure.pt": 1,
  "surface_wallshearstress.pt": 3,
  "volume_cell_position.pt": 3,
  "volume_cell_totalpcoeff.pt": 1,
  "volume_cell_velocity.pt": 3,
  "volume_cell_vorticity.pt": 3,
};
const DRIVAERNET: Layout = {
  "surface_position.pt": 3,
  "surface_p.pt": 1,
  "surface_wallShearStress.pt": 3,
  "volume_position.pt": 3,
  "volume_p.pt": 1,
  "volume_U.pt": 3,
  "volume_vorticity.pt": 3,
};
const WING: Layout = {
  "surface_position.pt": 3,
  "surface_pressure.pt": 1,
  "surface_wall_shear_stress.pt": 3,
  "volume_position.pt": 3,
  "volume_pressure.pt": 1,
  "volume_velocity.pt": 3,
  "volume_vorticity.pt": 3,
};

/** Values between -1 and 1, which lie in the boxes of all data sets. */
function writeSample(folder: string, layout: Layout, seed: number): void {
  mkdirSync(folder, { recursive: true });
  scope(() => {
    const generator = new Generator().manualSeed(seed);
    for (const [name, channels] of Object.entries(layout)) {
      const rows = POINTS[name.startsWith("surface") ? "surface" : "volume"];
      const values = rand(channels === 1 ? [rows] : [rows, channels], { generator })
        .mul(2)
        .sub(1);
      save(values, join(folder, name));
    }
  });
}

type Splits = Readonly<Record<"train" | "val" | "test", readonly (number | string)[]>>;

/** The samples that the tests read: two of training, one of the other splits. */
function writeRuns(root: string, layout: Layout, splits: Splits): string[] {
  const ids = [...splits.train.slice(0, 2), splits.val[0]!, splits.test[0]!];
  const folders = ids.map((id) => join(root, typeof id === "number" ? `run_${id}` : id));
  folders.forEach((folder, i) => writeSample(folder, layout, i));
  return folders;
}

/** Writes the data that a config of the example trains on. */
export const WRITERS: Readonly<Record<string, (root: string) => void>> = {
  train_shapenet(root) {
    const folders = ["param0/aaaa", "param1/bbbb", "param2/cccc"];
    folders.forEach((folder, i) => writeSample(join(root, "preprocessed", folder), SHAPENET, i));
  },
  train_ahmedml: (root) => void writeRuns(root, CAEML, ahmedMLSplitIDs()),
  train_drivaerml: (root) => void writeRuns(root, CAEML, drivAerMLSplitIDs()),
  train_drivaernet(root) {
    const [val, test] = [["N_S_WW_WM_1"], ["F_D_WM_WW_0002"]];
    const train = Array.from({ length: 8121 - 2 }, (_, i) => `F_D_WM_WW_${1000 + i}`);
    writeRuns(root, DRIVAERNET, { train, val, test });
    for (const [split, ids] of Object.entries({ train, val, test }))
      writeFileSync(join(root, `${split}_design_ids.txt`), ids.join("\n"));
    for (const name of ["blacklist.txt", "blacklist2.txt"]) writeFileSync(join(root, name), "");
  },
  train_wing(root) {
    // ids that the published part has in the same splits
    const splits = { train: [0, 2, 3], val: [1], test: [6] };
    const folders = writeRuns(root, WING, splits);
    writeFileSync(join(root, "splits.json"), JSON.stringify(splits));
    const names = ["chord_root", "span", "taper_ratio", "sweep", "dihedral", "inflow_velocity", "aoa"];
    for (const [i, folder] of folders.entries())
      save(Object.fromEntries(names.map((name, j) => [name, i + j])), join(folder, "design_parameters.pt"));
  },
};
