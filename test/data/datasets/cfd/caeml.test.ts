import { join } from "node:path";
import {
  AhmedMLDataset,
  ahmedMLSplitIDs,
  DATASET_STATISTICS,
  DrivAerMLDataset,
  drivAerMLSplitIDs,
  StandardDatasetConfig,
} from "../../../../lib/data";
import { findKind } from "../../../../lib/config/registry";
import { values } from "../../support";
import { rows, summary, testFolder, writeSample, type Layout } from "./support";

const LAYOUT: Layout = {
  "surface_position_vtp.pt": 3,
  "surface_pressure.pt": 1,
  "surface_wallshearstress.pt": 3,
  "volume_cell_position.pt": 3,
  "volume_cell_totalpcoeff.pt": 1,
  "volume_cell_velocity.pt": 3,
  "volume_cell_vorticity.pt": 3,
};
const KEYS = [
  "surface_friction",
  "surface_position",
  "surface_pressure",
  "volume_position",
  "volume_pressure",
  "volume_velocity",
  "volume_vorticity",
];

const config = (more: Record<string, unknown> = {}) =>
  StandardDatasetConfig.create({ kind: "test", root: testFolder(), split: "train", ...more });

test.each([
  // sizes, smallest, largest, sums and SHA-256 of the lists in the Python framework
  ["train", [400, 1, 500, 99690, "70860b7e2dd751d9"]],
  ["val", [50, 24, 494, 12437, "757e5ccce254bb08"]],
  ["test", [50, 4, 487, 13123, "413734f43b243cd1"]],
] as const)("AhmedML: %s", (split, expected) => {
  expect(summary(ahmedMLSplitIDs()[split])).toEqual(expected);
  expect(new AhmedMLDataset(config({ split })).designIds).toEqual(ahmedMLSplitIDs()[split]);
});

test.each([
  ["train", [400, 1, 500, 99705, "820411807d80f31b"]],
  ["val", [34, 4, 487, 9502, "dbb82ae23185a4ff"]],
  ["test", [50, 11, 472, 11154, "ddefd6957972c677"]],
  ["hidden_test", [16, 167, 473, 4889, "4a3618ef85aaacc1"]],
] as const)("DrivAerML: %s", (split, expected) => {
  expect(summary(drivAerMLSplitIDs()[split])).toEqual(expected);
  if (split !== "hidden_test")
    expect(new DrivAerMLDataset(config({ split })).designIds).toEqual(drivAerMLSplitIDs()[split]);
});

test("AhmedML: a config is a kind, a root and a split; other splits and other fields are refused", () => {
  const given = { kind: "noether.data.datasets.cfd.AhmedMLDataset", root: testFolder(), split: "train" };
  expect(AhmedMLDataset.schema.create(given as never)).toMatchObject(given);
  const refused = (more: object) => () => AhmedMLDataset.schema.create({ ...given, ...more } as never);
  expect(refused({ split: "validation" })).toThrow(/train.*val.*test/);
  expect(refused({ unknown_field: 1 })).toThrow(/unknown_field/);
});

test("AhmedML: nothing is read before a sample is asked for", () => {
  expect(new AhmedMLDataset(config()).length).toBe(400);
});

test.each([AhmedMLDataset, DrivAerMLDataset])("%p: a sample has the values of its files", async (Class) => {
  writeSample(join(testFolder(), "run_1"), LAYOUT, 10);
  const dataset = new Class(config());
  expect(dataset.getterKeys()).toEqual(KEYS);
  const sample = await dataset.get(0);
  for (const key of KEYS) {
    const channels = key.endsWith("pressure") ? 1 : 3;
    expect([key, values(sample[key])]).toEqual([key, rows(10, key.startsWith("surface") ? 2 : 3, channels)]);
  }
  expect(dataset.statistics).toBe(DATASET_STATISTICS[Class.name as "AhmedMLDataset"]);
  expect(dataset.sampleInfo(0)).toEqual({
    sample_uri: join(testFolder(), "run_1"),
    run_name: "run_1",
    run_number: 1,
    design_id: 1,
    split: "train",
  });
});

test("normals and areas where the data have them", async () => {
  writeSample(join(testFolder(), "run_1"), { "surface_normal_vtp.pt": 3, "surface_area_vtp.pt": 1 }, 10);
  const sample = await new AhmedMLDataset(config()).getSelected(0, ["surface_normals", "surface_area", "surface_sdf"]);
  expect(values(sample["surface_normals"])).toEqual(rows(10, 2, 3));
  expect(values(sample["surface_area"])).toEqual([[10], [11]]);
  expect(values(sample["surface_sdf"])).toEqual([[0], [0]]);
});

test("normals that the config asks for and the data do not have are an error that names the file", async () => {
  writeSample(join(testFolder(), "run_1"), LAYOUT, 10);
  const dataset = new AhmedMLDataset(config({ included_properties: ["surface_normals"] }));
  await expect(dataset.getitem("surface_normals", 0)).rejects.toThrow(
    `expected the file ${join(testFolder(), "run_1", "surface_normal_vtp.pt")}, but there is none`,
  );
});

test("a root or a run that is not there", async () => {
  expect(() => new DrivAerMLDataset(config({ root: join(testFolder(), "missing") }))).toThrow(
    `DrivAerMLDataset: expected root to be the folder of the data, but there is no ${join(testFolder(), "missing")}`,
  );
  await expect(new DrivAerMLDataset(config()).getitem("surface_pressure", 0)).rejects.toThrow(
    `expected the file surface_pressure.pt in the folder ${join(testFolder(), "run_1")}, but there is no such folder`,
  );
});

test.each(["AhmedML", "DrivAerML"] as const)("kinds of %s", (name) => {
  const module = name.toLowerCase();
  for (const path of ["", "caeml.", `caeml.${module}.`, `caeml.${module}.dataset.`]) {
    const Class = name === "AhmedML" ? AhmedMLDataset : DrivAerMLDataset;
    expect(findKind(`noether.data.datasets.cfd.${path}${name}Dataset`)?.class).toBe(Class);
  }
});
