import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  EmmiWingDataset,
  EmmiWingDatasetConfig,
  EmmiWingHFDataset,
  emmiWingHFSplitIDs,
  StandardDatasetConfig,
} from "../../../../lib/data";
import { findKind } from "../../../../lib/config/registry";
import { save, tensor } from "../../../../lib/torch";
import { goldenPath } from "../../../support/golden";
import { HubServer } from "../../../support/hub-server";
import { zipOf } from "../../../support/zip";
import { values } from "../../support";
import { rows, testFolder, writeSample, type Layout } from "./support";

const LAYOUT: Layout = {
  "surface_position.pt": 3,
  "surface_pressure.pt": 1,
  "surface_wall_shear_stress.pt": 3,
  "volume_position.pt": 3,
  "volume_pressure.pt": 1,
  "volume_velocity.pt": 3,
  "volume_vorticity.pt": 3,
};

const create = (more: Record<string, unknown> = {}) =>
  new EmmiWingDataset(EmmiWingDatasetConfig.create({ kind: "test", root: testFolder(), split: "train", ...more }));

const writeSplits = (splits: unknown, name = "splits.json") =>
  writeFileSync(join(testFolder(), name), JSON.stringify(splits));

const parameters = {
  chord_root: 1.5,
  span: 2,
  taper_ratio: 0.5,
  sweep: 30,
  dihedral: 0,
  inflow_velocity: 200,
  aoa: -4,
};

test("ids of the file with the splits, ascending", () => {
  writeSplits({ train: [20, 3, 100], val: [1], test: [2], test_extrapol: [7], train_subset: [100, 3] });
  expect(create().designIds).toEqual([3, 20, 100]);
  expect(create({ split: "test_extrapol" }).designIds).toEqual([7]);
  expect(create({ split: "train_subset" }).designIds).toEqual([3, 100]);
  expect(() => create({ split: "test_interpol" })).toThrow(/expected the split "test_interpol" in .*train, val, test/);
  writeSplits({ train: [5] }, "other.json");
  expect(create({ splits_path: join(testFolder(), "other.json") }).designIds).toEqual([5]);
});

test("a sample has the values of its files and the numbers of its design", async () => {
  writeSplits({ train: [8, 4] });
  const folder = join(testFolder(), "run_8");
  writeSample(folder, LAYOUT, 5);
  save({ ...parameters, aoa: tensor(-4) }, join(folder, "design_parameters.pt"));
  const sample = await create().get(1);
  expect(Object.keys(sample)).toEqual([
    "index",
    "geometry_design_parameters",
    "inflow_design_parameters",
    "surface_friction",
    "surface_position",
    "surface_pressure",
    "volume_position",
    "volume_pressure",
    "volume_velocity",
    "volume_vorticity",
  ]);
  expect(values(sample["geometry_design_parameters"])).toEqual([[1.5, 2, 0.5, 30, 0]]);
  expect(values(sample["inflow_design_parameters"])).toEqual([[200, -4]]);
  expect(values(sample["surface_pressure"])).toEqual(rows(5, 2, 1));
  expect(values(sample["surface_friction"])).toEqual(rows(5, 2, 3));
});

test("design parameters without a name, or of another kind", async () => {
  writeSplits({ train: [8] });
  const folder = join(testFolder(), "run_8");
  writeSample(folder, {}, 0);
  save({ span: 1 }, join(folder, "design_parameters.pt"));
  await expect(create().getitem("inflow_design_parameters", 0)).rejects.toThrow(
    /expected the number "inflow_velocity" in .*design_parameters.pt, which has span/,
  );
  save(tensor([1]), join(folder, "design_parameters.pt"));
  await expect(create().getitem("inflow_design_parameters", 0)).rejects.toThrow(TypeError);
});

test("files with splits that cannot be", () => {
  expect(() => create()).toThrow(
    `expected the ids of the splits in ${join(testFolder(), "splits.json")}, but there is no such file; splits_path names another`,
  );
  writeSplits({ train: [1, 2], val: [2] });
  expect(() => create()).toThrow('"train" and "val" share 2');
  for (const train of [[1, 1], [-1], [30000], [1.5], ["1"], 3]) {
    writeSplits({ train });
    expect(() => create()).toThrow("to be a list of different whole numbers from 0 to 29999");
  }
  writeFileSync(join(testFolder(), "splits.json"), "{");
  expect(() => create()).toThrow("to be JSON");
});

test.each(["EmmiWingDataset", "emmi_wing.EmmiWingDataset", "emmi_wing.dataset.EmmiWingDataset"])("%s", (name) =>
  expect(findKind(`noether.data.datasets.cfd.${name}`)?.class).toBe(EmmiWingDataset),
);

describe("the part on Hugging Face", () => {
  test("splits of the Python framework", () => {
    const { splits } = JSON.parse(readFileSync(goldenPath("2026.4", "statistics.json"), "utf8")) as {
      splits: { EmmiWingHFDataset: { train: number[]; val: number[]; test: number[] } };
    };
    const { train, val, test } = splits.EmmiWingHFDataset;
    expect(emmiWingHFSplitIDs()).toEqual({ train, val, test });
  });

  test("reads the same files, without a file of splits", async () => {
    writeSample(join(testFolder(), "run_6"), LAYOUT, 3);
    const config = StandardDatasetConfig.create({ kind: "test", root: testFolder(), split: "test" });
    const dataset = new EmmiWingHFDataset(config);
    expect(dataset.sampleInfo(0)).toMatchObject({ run_name: "run_6", design_id: 6 });
    expect(values(await dataset.getitem("volume_velocity", 0))).toEqual(rows(3, 3, 3));
    expect(findKind("noether.data.datasets.cfd.EmmiWingHFDataset")?.class).toBe(EmmiWingHFDataset);
  });

  describe("download", () => {
    let server: HubServer;
    const before = process.env["HF_ENDPOINT"];
    beforeEach(async () => {
      server = new HubServer();
      await server.start();
      process.env["HF_ENDPOINT"] = server.url;
    });
    afterEach(async () => {
      if (before === undefined) delete process.env["HF_ENDPOINT"];
      else process.env["HF_ENDPOINT"] = before;
      await server.close();
    });
    const publish = (archive: Buffer) => server.put("datasets", "EmmiAI/Emmi-Wing", { "scans.zip": archive });

    test("unpacks the runs, keeps those that are there, and leaves nothing else behind", async () => {
      publish(
        zipOf({
          "scans/run_0.zip": zipOf({ "surface_position.pt": "new" }),
          "scans/run_1.zip": zipOf({ "surface_position.pt": "one", "deep/wing.stl": "solid" }),
          "scans/run_12.zip": zipOf({ "run_12/surface_position.pt": "twelve" }),
          "scans/readme.txt": "no run",
        }),
      );
      mkdirSync(join(testFolder(), "run_0"));
      writeFileSync(join(testFolder(), "run_0", "surface_position.pt"), "old");
      expect(await EmmiWingHFDataset.download(testFolder())).toBe(testFolder());
      const read = (path: string) => readFileSync(join(testFolder(), path), "utf8");
      expect(["run_0/surface_position.pt", "run_1/deep/wing.stl", "run_12/surface_position.pt"].map(read)).toEqual([
        "old",
        "solid",
        "twelve",
      ]);
      expect(readdirSync(testFolder()).filter((name) => name !== ".cache")).toEqual(["run_0", "run_1", "run_12"]);
    });

    test("asks nobody where all runs are there", async () => {
      await server.close();
      for (let id = 0; id < 248; id++) mkdirSync(join(testFolder(), `run_${id}`));
      expect(await EmmiWingHFDataset.download(testFolder())).toBe(testFolder());
    });

    test.each<[string, Buffer, RegExp]>([
      ["without runs", zipOf({ "scans/readme.txt": "" }), /expected run_<id>.zip in .*scans.zip/],
      ["that leads out of the folder", zipOf({ "run_1.zip": zipOf({ "../../x": "" }) }), /leads out of the folder/],
      ["with a damaged run", zipOf({ "run_1.zip": "no archive" }), /expected the directory of a zip archive/],
    ])("an archive %s is refused", async (_name, archive, message) => {
      publish(archive);
      await expect(EmmiWingHFDataset.download(testFolder())).rejects.toThrow(message);
      expect(readdirSync(testFolder()).filter((name) => name !== ".cache")).toEqual(["scans.zip"]);
    });
  });
});
