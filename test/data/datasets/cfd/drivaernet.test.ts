import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DrivAerNetDataset, DrivAerNetDatasetConfig } from "../../../../lib/data";
import { pickIds } from "../../../../lib/data/datasets/cfd/split-syntax";
import { findKind } from "../../../../lib/config/registry";
import { values } from "../../support";
import { rows, testFolder, writeSample, type Layout } from "./support";

const LAYOUT: Layout = {
  "surface_position.pt": 3,
  "surface_p.pt": 1,
  "surface_wallShearStress.pt": 3,
  "volume_position.pt": 3,
  "volume_p.pt": 1,
  "volume_U.pt": 3,
  "volume_vorticity.pt": 3,
};

const config = (split: string, more: Record<string, unknown> = {}) =>
  DrivAerNetDatasetConfig.create({ kind: "test", root: testFolder(), split, ...more });

const create = (split: string, more: Record<string, unknown> = {}) => new DrivAerNetDataset(config(split, more));

/** Lists of the size of the data set: 8121 designs, of which the blacklists take three. */
beforeEach(() => {
  const ids = Array.from({ length: 8121 - 6 }, (_, i) => `N_S_WW_WM_${i}`);
  const write = (name: string, lines: readonly string[]) => writeFileSync(join(testFolder(), name), lines.join("\n"));
  write("train_design_ids.txt", ["F_D_WM_WW_0003", "F_D_WM_WW_0001", ...ids, "F_D_WM_WW_0009", ""]);
  write("val_design_ids.txt", ["F_D_WM_WW_0004", "E_S_WW_WM_001"]);
  write("test_design_ids.txt", [" F_D_WM_WW_0005 "]);
  write("blacklist.txt", ["N_S_WW_WM/N_S_WW_WM_0.vtk", "", "N_S_WW_WM/N_S_WW_WM_1.vtk"]);
  write("blacklist2.txt", ["F_D_WM_WW_0009"]);
});

test("the order of the lists, without the blacklisted designs", () => {
  const { designIds } = create("train");
  expect(designIds).toHaveLength(8121 - 3 - 3);
  expect(designIds.slice(0, 3)).toEqual(["F_D_WM_WW_0003", "F_D_WM_WW_0001", "N_S_WW_WM_2"]);
  expect(create("val").designIds).toEqual(["F_D_WM_WW_0004", "E_S_WW_WM_001"]);
  expect(create("test").designIds).toEqual(["F_D_WM_WW_0005"]);
});

test("categories, and a part of a split", () => {
  const ofTwo = { filter_categories: ["F_D_WM_WW", "E_S_WW_WM"] };
  expect(create("train", ofTwo).designIds).toEqual(["F_D_WM_WW_0003", "F_D_WM_WW_0001"]);
  expect(create("train[1:]", ofTwo).designIds).toEqual(["F_D_WM_WW_0001"]);
  expect(() => create("train", { filter_categories: ["E_S_WW_WM"] })).toThrow(
    'expected designs of E_S_WW_WM in every split, but "train" has none',
  );
  expect(() => config("train", { filter_categories: ["sedan"] })).toThrow(/F_S_WWS_WM.*received the string .*sedan/);
});

test("a sample has the values of its files, beyond the end they begin again", async () => {
  writeSample(join(testFolder(), "E_S_WW_WM_001"), LAYOUT, 7);
  const dataset = create("val");
  expect(dataset.getterKeys()).toEqual([
    "surface_friction",
    "surface_position",
    "surface_pressure",
    "volume_position",
    "volume_pressure",
    "volume_velocity",
    "volume_vorticity",
  ]);
  const sample = await dataset.get(3);
  expect(values(sample["surface_friction"])).toEqual(rows(7, 2, 3));
  expect(values(sample["volume_pressure"])).toEqual(rows(7, 3, 1));
  await expect(dataset.getitem("volume_velocity", 0)).rejects.toThrow(
    `expected the file volume_U.pt in the folder ${join(testFolder(), "F_D_WM_WW_0004")}, but there is no such folder`,
  );
});

test("lists that are not there, or not whole", () => {
  writeFileSync(join(testFolder(), "test_design_ids.txt"), "");
  expect(() => create("train")).toThrow("to name 8121 designs together, received 8120");
  rmSync(join(testFolder(), "blacklist2.txt"));
  expect(existsSync(join(testFolder(), "blacklist.txt"))).toBe(true);
  expect(() => create("train")).toThrow(`expected blacklist2.txt in ${testFolder()}`);
});

test.each([
  // list(range(5))[…] in Python
  ["train", "01234"],
  ["train[2]", "2"],
  ["train[-1]", "4"],
  ["train[1:3]", "12"],
  ["train[3:]", "34"],
  ["train[3:100]", "34"],
  ["train[:0]", ""],
  ["train[3:3]", ""],
  ["train[-2:]", "34"],
  ["train[-100:2]", "01"],
  ["train[0:5:2]", "024"],
  ["train[::-1]", "43210"],
  ["train[:1:-2]", "42"],
])("%s", (text, expected) => {
  expect(pickIds("Cars", text, { train: [..."01234"] }).join("")).toBe(expected);
});

test.each(["train[5]", "train[]", "train[a]", "train[1:2:3:4]", "train[1:2:0]", "train[1", "valid", "[1:2]"])(
  "%s is an error",
  (text) => expect(() => pickIds("Cars", text, { train: [..."01234"] })).toThrow(/^Cars: /),
);

test.each(["DrivAerNetDataset", "drivaernet.dataset.DrivAerNetDataset"])("%s", (name) =>
  expect(findKind(`noether.data.datasets.cfd.${name}`)?.class).toBe(DrivAerNetDataset),
);
