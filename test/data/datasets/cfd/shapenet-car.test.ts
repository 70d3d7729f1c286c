import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatasetFactory, ShapeNetCarDataset, StandardDatasetConfig } from "../../../../lib/data";
import { findKind } from "../../../../lib/config/registry";
import { save, tensor } from "../../../../lib/torch";
import { values } from "../../support";
import { rows, testFolder, writeSample, type Layout } from "./support";

const KIND = "noether.data.datasets.cfd.ShapeNetCarDataset";
const LAYOUT: Layout = {
  "surface_points.pt": 3,
  "surface_pressure.pt": 1,
  "surface_normals.pt": 3,
  "volume_points.pt": 3,
  "volume_velocity.pt": 3,
  "volume_sdf.pt": 1,
  "volume_normals.pt": 3,
};

const config = (split: "train" | "val" | "test", more: Record<string, unknown> = {}) =>
  StandardDatasetConfig.create({ kind: KIND, root: testFolder(), split, ...more });

/** Two cars for training and one for tests, and a folder that the raw data have without a surface. */
function writeCars(): void {
  const folder = join(testFolder(), "preprocessed");
  writeSample(join(folder, "param8", "1a"), LAYOUT, 100);
  writeSample(join(folder, "param1", "ff"), LAYOUT, 200);
  writeSample(join(folder, "param0", "0b"), LAYOUT, 300);
  mkdirSync(join(folder, "param2", "854bb96a96a4d1b338acbabdc1252e2f"), { recursive: true });
}

test("splits by folder, ids ascending", () => {
  writeCars();
  expect(new ShapeNetCarDataset(config("train")).designIds).toEqual(["param1/ff", "param8/1a"]);
  expect(new ShapeNetCarDataset(config("test")).designIds).toEqual(["param0/0b"]);
  expect(() => new ShapeNetCarDataset(config("val"))).toThrow('expected the split "train" or "test", received "val"');
});

test("a sample has the values of its files; other fields have no key", async () => {
  writeCars();
  const sample = await new ShapeNetCarDataset(config("train")).get(1);
  expect(
    Object.fromEntries(Object.entries(sample).map(([key, value]) => [key, key === "index" ? value : values(value)])),
  ).toEqual({
    index: 1,
    surface_normals: rows(100, 2, 3),
    surface_position: rows(100, 2, 3),
    surface_pressure: rows(100, 2, 1),
    surface_sdf: [[0], [0]],
    volume_normals: rows(100, 3, 3),
    volume_position: rows(100, 3, 3),
    volume_sdf: rows(100, 3, 1),
    volume_velocity: rows(100, 3, 3),
  });
});

test("the factory builds it by config, root may be the inner folder, old exclusions do no harm", async () => {
  writeCars();
  const dataset = new DatasetFactory().create(
    config("test", {
      root: join(testFolder(), "preprocessed"),
      excluded_properties: ["surface_friction", "volume_pressure", "volume_vorticity", "surface_sdf"],
      dataset_normalizers: {
        volume_sdf: { kind: "noether.data.preprocessors.normalizers.FieldNormalizer" },
      },
    }),
  );
  const sample = await dataset.get(0);
  expect(sample).not.toHaveProperty("surface_sdf");
  const [first] = values(sample["volume_sdf"]) as number[][];
  expect(first![0]).toBeCloseTo((300 - 0.374222) / 0.178948, 1);
});

test("surface_sdf passes the normalizer of volume_sdf", () => {
  writeCars();
  const dataset = new ShapeNetCarDataset(config("train"));
  expect(dataset.normalizerKey("surface_sdf")).toBe("volume_sdf");
  expect(dataset.normalizerKey("surface_normals")).toBeNull();
});

test("a sample tells where it is", () => {
  writeCars();
  expect(new ShapeNetCarDataset(config("test")).sampleInfo(0)).toEqual({
    sample_uri: join(testFolder(), "preprocessed", "param0", "0b"),
    run_name: "param0/0b",
    split: "test",
  });
});

describe("errors say what was expected", () => {
  test("no root, no preprocessed, no simulations", () => {
    expect(() => new ShapeNetCarDataset(config("train", { root: join(testFolder(), "missing") }))).toThrow(
      `ShapeNetCarDataset: expected root to be the folder of the data, but there is no ${join(testFolder(), "missing")}`,
    );
    expect(() => new ShapeNetCarDataset(config("train"))).toThrow(`expected the folder "preprocessed" in`);
    mkdirSync(join(testFolder(), "preprocessed"));
    expect(() => new ShapeNetCarDataset(config("train"))).toThrow(
      "expected simulations in the folders param1 to param8",
    );
  });

  test("no file, a damaged file, another shape", async () => {
    writeCars();
    const dataset = new ShapeNetCarDataset(config("test"));
    const file = join(testFolder(), "preprocessed", "param0", "0b", "volume_sdf.pt");
    save(tensor([[1, 2]]), file);
    await expect(dataset.getitem("volume_sdf", 0)).rejects.toThrow(
      `ShapeNetCarDataset: expected ${file} to hold a tensor (N), received (1, 2)`,
    );
    writeFileSync(file, "no tensor");
    await expect(dataset.getitem("volume_sdf", 0)).rejects.toThrow(`expected ${file} to be a file of torch.save`);
    rmSync(file);
    await expect(dataset.getitem("volume_sdf", 0)).rejects.toThrow(
      `expected the file ${file}, but there is none; the folder has surface_normals.pt, surface_points.pt`,
    );
  });

  test("a number that no sample has; negative ones count from the end", async () => {
    writeCars();
    const dataset = new ShapeNetCarDataset(config("train"));
    await expect(dataset.getitem("volume_sdf", 2)).rejects.toThrow(
      "sample 2 is outside of ShapeNetCarDataset with 2 samples",
    );
    expect(values(await dataset.getitem("volume_sdf", -1))).toEqual(rows(100, 3, 1));
  });
});

test.each([
  KIND,
  "noether.data.datasets.cfd.shapenet_car.ShapeNetCarDataset",
  "noether.data.datasets.cfd.shapenet_car.dataset.ShapeNetCarDataset",
])("%s", (kind) => expect(findKind(kind)?.class).toBe(ShapeNetCarDataset));
