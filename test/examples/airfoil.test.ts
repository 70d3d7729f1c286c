import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync, copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeConfig } from "../../lib/config";
import { parseHydraArguments } from "../../lib/cli/hydra-arguments";
import { register } from "../../lib/config/registry";
import { HydraRunner } from "../../lib/training";
import { AirfoilDataset, AirfoilDatasetConfig } from "../../examples/airfoil/dataset";
import { Baselines, relativeError, type AirfoilCase } from "../../examples/airfoil/baselines";
import { interpolateLine, KdTree } from "../../examples/airfoil/interpolation";
import { writeReport } from "../../examples/airfoil/report";
import { FieldErrorsCallback, type Metrics } from "../../examples/airfoil/callback";
import { AirfoilModel } from "../../examples/airfoil/model";
import { AirfoilPipeline } from "../../examples/airfoil/pipeline";
import { AirfoilTrainer } from "../../examples/airfoil/trainer";

// The command loads these files itself; here they come through jest, so that they share its modules.
for (const [file, kind] of Object.entries({
  dataset: AirfoilDataset,
  pipeline: AirfoilPipeline,
  model: AirfoilModel,
  trainer: AirfoilTrainer,
  callback: FieldErrorsCallback,
})) {
  register(`./examples/airfoil/${file}.ts#${kind.name}`, { class: kind });
}

const root = join(__dirname, "..", "..");
const data = join(root, "examples", "airfoil", "data");
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "airfoil-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const pipeline = {
  kind: "./examples/airfoil/pipeline.ts#AirfoilPipeline",
  num_geometry_supernodes: 4,
  num_surface_anchor_points: 8,
  num_volume_anchor_points: 8,
};
const config = (options: object = {}) =>
  AirfoilDatasetConfig.create({
    kind: "airfoil",
    root: data,
    split: "val",
    pipeline,
    excluded_properties: [],
    ...options,
  });

describe("data set", () => {
  test("ten cases for validation, with fields of the documented shapes", async () => {
    const dataset = new AirfoilDataset(config());
    dataset.computeStatistics = true;
    expect(dataset.length).toBe(10);
    const sample = (await dataset.get(3)) as Record<string, { shape: number[]; dtype: string }>;
    expect(Object.fromEntries(dataset.getterKeys().map((key) => [key, sample[key]!.shape]))).toEqual({
      geometry_design_parameters: [3],
      inflow_design_parameters: [2],
      surface_position: [160, 2],
      surface_pressure: [160, 1],
      volume_position: [3072, 2],
      volume_pressure: [3072, 1],
      volume_velocity: [3072, 2],
    });
    expect(sample["surface_pressure"]!.dtype).toBe("float32");
  });

  test("no shape is in two splits", () => {
    const cases = JSON.parse(readFileSync(join(data, "cases.json"), "utf8")) as { naca: string; split: string }[];
    const splits = new Map<string, Set<string>>();
    for (const { naca, split } of cases) splits.set(naca, (splits.get(naca) ?? new Set()).add(split));
    expect(cases).toHaveLength(120);
    expect([...splits.values()].every(({ size }) => size === 1)).toBe(true);
  });

  test("the reference case: NACA 0012 at 10 degrees and Re 6 million, lift within 8 % of 1.09", () => {
    const cases = JSON.parse(readFileSync(join(data, "cases.json"), "utf8")) as Record<string, number | string>[];
    const reference = cases.find(({ naca, angle, reynolds }) => naca === "0012" && angle === 10 && reynolds === 6e6)!;
    expect(Math.abs(Number(reference["lift"]) / 1.09 - 1)).toBeLessThan(0.08);
  });

  test("a missing file says where it should be and how to get it", () => {
    expect(() => new AirfoilDataset(config({ root: directory }))).toThrow(/val\.safetensors.*generate\.mjs/);
  });

  test("a short file is named", () => {
    copyFileSync(join(data, "val.safetensors"), join(directory, "val.safetensors"));
    truncateSync(join(directory, "val.safetensors"), 100_000);
    expect(() => new AirfoilDataset(config({ root: directory }))).toThrow(/val\.safetensors is short or damaged/);
  });

  test("a file with other content is named", () => {
    const header = Buffer.from('{"__metadata__":{"cases":"[\\"a\\"]"}}  ');
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(join(directory, "val.safetensors"), Buffer.concat([size, header]));
    expect(() => new AirfoilDataset(config({ root: directory }))).toThrow(/surface_position.*received nothing/);
  });
});

describe("baselines", () => {
  const square = Float32Array.of(0, 0, 1, 0, 0, 1, 1, 1);
  const item = (angle: number, value: number): AirfoilCase => ({
    name: `a${angle}`,
    surface_position: Float32Array.of(1, 0, 0, 0, 0, 0, 1, 0),
    surface_pressure: new Float32Array(4).fill(value),
    volume_position: square,
    volume_velocity: new Float32Array(8).fill(value),
    volume_pressure: new Float32Array(4).fill(value),
    inflow_design_parameters: Float32Array.of(angle, 20),
    geometry_design_parameters: Float32Array.of(0, 0, 0.12),
  });
  const baselines = new Baselines([item(0, 1), item(10, 4)]);

  test("mean field", () => {
    expect([...baselines.meanFields(item(2, 0)).surface_pressure]).toEqual([2.5, 2.5, 2.5, 2.5]);
  });
  test("nearest case", () => {
    expect(baselines.nearestCase(item(8, 0)).name).toBe("a10");
    baselines.nearestFields(item(8, 0)).volume_pressure.forEach((value) => expect(value).toBeCloseTo(4, 5));
  });
  test("relative error", () => {
    expect(relativeError([3, 0], [0, 4])).toBeCloseTo(1.25);
  });
});

describe("interpolation and pictures", () => {
  test("nearest neighbours are those of an exhaustive search", () => {
    const points = Float32Array.from(
      { length: 400 },
      (_, n) => Math.sin(12.9898 * n) * 43758.5453 - Math.floor(Math.sin(12.9898 * n) * 43758.5453),
    );
    const tree = new KdTree(points);
    for (const [x, y] of [
      [0.5, 0.5],
      [0, 1],
      [0.9, 0.1],
    ] as const) {
      const all = Array.from({ length: 200 }, (_, n) => (points[2 * n]! - x) ** 2 + (points[2 * n + 1]! - y) ** 2);
      const expected = all
        .map((d, n) => [d, n] as const)
        .sort((a, b) => a[0] - b[0])
        .slice(0, 5);
      expect(tree.nearest(x, y, 5).indices).toEqual(expected.map(([, n]) => n));
    }
  });
  test("along a line, rising and falling, constant beyond its ends", () => {
    expect([-1, 0.25, 2].map((x) => interpolateLine([0, 1], [10, 20], x))).toEqual([10, 12.5, 20]);
    expect([-1, 0.25, 2].map((x) => interpolateLine([1, 0], [20, 10], x))).toEqual([10, 12.5, 20]);
  });
});

describe("the run", () => {
  test("two updates, errors beside the baselines, and a report", async () => {
    const overrides = [
      "+num_workers=0",
      "trainer.max_epochs=null",
      "+trainer.max_updates=2",
      "trainer.track_every_n_updates=1",
      `trainer.callbacks=[{kind: ./examples/airfoil/callback.ts#FieldErrorsCallback, every_n_updates: 2, batch_size: 1, dataset_key: test, baseline_dataset_key: val}]`,
      "+datasets.test.dataset_wrappers=[{kind: noether.data.base.wrappers.SubsetWrapper, indices: [4, 1]}]",
      "model.hidden_dim=16",
      "pipeline.num_surface_anchor_points=16",
      "pipeline.num_volume_anchor_points=16",
      "pipeline.num_geometry_supernodes=8",
      "+run_id=tiny",
      `output_path=${directory}`,
    ];
    const parsed = parseHydraArguments([join(root, "examples", "airfoil", "train.yaml"), ...overrides]);
    if (parsed.action !== "run") throw new Error("expected a run");
    await new HydraRunner().run(composeConfig(parsed));

    const run = join(directory, "tiny", "train");
    const metrics = JSON.parse(readFileSync(join(run, "metrics.json"), "utf8")) as Metrics;
    expect(metrics.update).toBe(2);
    expect(metrics.cases).toHaveLength(2);
    expect(metrics.cases.map(({ name }) => name)).toEqual(["naca3310_0", "naca0012_1"]);
    for (const { model, mean_field, nearest_case } of Object.values(metrics.relative_l2)) {
      for (const error of [model, mean_field, nearest_case]) expect(error).toBeGreaterThan(0);
    }
    const html = readFileSync(writeReport(run), "utf8");
    expect(html).toContain("surface pressure");
    expect(html.match(/data:image\/png/g)!.length).toBeGreaterThanOrEqual(12);
    expect(html).not.toMatch(/https?:\/\//);
  });
});
