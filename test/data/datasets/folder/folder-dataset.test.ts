import { readYaml, toPlain, writeYaml } from "../../../../lib/config";
import { dumpConfig } from "../../../../lib/config/schema";
import { DataContainer, DatasetFactory, type FolderDataset } from "../../../../lib/data";
import { countTensors, manualSeed, scope, type Tensor } from "../../../../lib/torch";
import { configOf, failure, fields, open, square, temporaryFolder, writeCases } from "./support";
import { Mesh } from "../../../../lib/data";

const root = temporaryFolder();
const SURFACE = { file: "surface.vtp", position: "points", pressure: "p" };
const cloud = (values: readonly number[]): Mesh =>
  new Mesh({
    points: Float32Array.from({ length: 3 * values.length }, (_, i) => i),
    pointData: fields({ p: Float32Array.from(values) }, values.length),
  });

beforeAll(async () => {
  await writeCases(root, {
    case_1: {
      "surface.vtp": square({ points: { p: Float32Array.of(1, 2, 3, 4) } }),
      "cloud.vtp": cloud([...Array(50).keys()]),
    },
    case_2: {
      "surface.vtp": square({ points: { p: Float32Array.of(5, NaN, 7, Infinity) } }),
      "cloud.vtp": cloud([...Array(50).keys()]),
    },
    case_10: {
      "surface.vtp": square({ points: { p: Float32Array.of(9, 10, 11, 12) } }),
      "cloud.vtp": cloud([NaN, NaN]),
    },
  });
});

const rows = async (dataset: FolderDataset, key: string, index = 0): Promise<unknown> =>
  scope(async () => (await dataset.getitem(key, index)).toArray());
const sample = async (dataset: FolderDataset, index: number): Promise<Record<string, unknown>> =>
  scope(async () =>
    Object.fromEntries(
      Object.entries(await dataset.get(index)).map(([key, value]) => [
        key,
        typeof value === "number" ? value : (value as Tensor).toArray(),
      ]),
    ),
  );

test("a case is a sample, with properties named by domain", async () => {
  const dataset = open(root, { surface: SURFACE });
  expect(dataset.names).toEqual(["case_1", "case_2", "case_10"]);
  expect(dataset.length).toBe(3);
  expect(await sample(dataset, 0)).toEqual({
    index: 0,
    surface_position: [
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
      [0, 1, 0],
    ],
    surface_pressure: [[1], [2], [3], [4]],
  });
  expect(await failure(() => dataset.get(3))).toMatch(/sample 3 is outside of a data set with 3 cases/);
});

test("a split has its cases in their order", () => {
  const splits = { train: ["case_10", "case_1"], test: ["case_2"] };
  expect(open(root, { surface: SURFACE, splits, split: "train" }).names).toEqual(["case_10", "case_1"]);
  expect(open(root, { surface: SURFACE, splits, split: "test" }).names).toEqual(["case_2"]);
});

describe("max_points", () => {
  const CLOUD = { file: "cloud.vtp", position: "points", value: "p", max_points: 20 };
  const pick = (seed: number | null) => open(root, { cloud: { ...CLOUD, seed } });

  test("distinct points, the same for all properties", async () => {
    const { cloud_position: position, cloud_value: value } = (await sample(pick(null), 0)) as Record<
      string,
      number[][]
    >;
    expect(value).toHaveLength(20);
    expect(new Set(value!.flat()).size).toBe(20);
    expect(position!.map(([x]) => [x! / 3])).toEqual(value);
  });
  test("other points each time, in the order of the run's seed", async () => {
    const dataset = pick(null);
    manualSeed(1);
    const first = [await rows(dataset, "cloud_value"), await rows(dataset, "cloud_value")];
    manualSeed(1);
    expect(first[0]).not.toEqual(first[1]);
    expect([await rows(dataset, "cloud_value"), await rows(dataset, "cloud_value")]).toEqual(first);
  });
  test("with a seed the same each time, and others in each case", async () => {
    const dataset = pick(7);
    expect(await rows(dataset, "cloud_value")).toEqual(await rows(dataset, "cloud_value"));
    expect(await rows(dataset, "cloud_value")).not.toEqual(await rows(dataset, "cloud_value", 1));
  });
  test("a case with fewer points keeps all", async () => {
    const dataset = open(root, { surface: { ...SURFACE, max_points: 20 } });
    expect(await rows(dataset, "surface_pressure")).toEqual([[1], [2], [3], [4]]);
  });
});

describe("NaN and infinite values", () => {
  test("are refused, with case, property and count", async () => {
    const message = await failure(() => rows(open(root, { surface: SURFACE }), "surface_pressure", 1));
    expect(message).toMatch(
      /surface_pressure of the case "case_2" has NaN or infinite values in 2 of 4 rows, the first is row 1/,
    );
  });
  test("drop leaves their points out of all properties", async () => {
    const dataset = open(root, { surface: SURFACE, non_finite: "drop" });
    expect(await sample(dataset, 1)).toMatchObject({
      surface_pressure: [[5], [7]],
      surface_position: [
        [0, 0, 0],
        [1, 1, 0],
      ],
    });
    expect(await rows(dataset, "surface_pressure", 0)).toHaveLength(4);
  });
  test("drop tells of the first loss", async () => {
    const write = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    const dataset = open(root, { surface: SURFACE, non_finite: "drop" });
    for (const index of [1, 0, 1]) await sample(dataset, index);
    const told = write.mock.calls.join("").match(/case_2: 2 of 4 points of surface left out/g);
    write.mockRestore();
    expect(told).toHaveLength(1);
  });
  test("drop refuses a case that has no other points", async () => {
    const dataset = open(root, { cloud: { file: "cloud.vtp", position: "points", value: "p" }, non_finite: "drop" });
    expect(await failure(() => dataset.get(2))).toMatch(/cloud of the case "case_10" has no point without/);
  });
  test("keep takes them", async () => {
    expect(await rows(open(root, { surface: SURFACE, non_finite: "keep" }), "surface_pressure", 1)).toEqual([
      [5],
      [NaN],
      [7],
      [Infinity],
    ]);
  });
});

test("what a run stores of a config is the same config", () => {
  const config = configOf(root, {
    surface: SURFACE,
    normalize: "auto",
    splits: { a: 0.5, b: 0.5, seed: 3 },
    split: "a",
  });
  const stored = toPlain(readYaml(writeYaml(dumpConfig(config, { onlyGiven: true })), "hp_resolved.yaml"));
  expect(configOf(root, stored as Record<string, unknown>)).toEqual(config);
});

test("included_properties name what is read", async () => {
  const config = configOf(root, { surface: SURFACE, included_properties: ["surface_pressure"] });
  const dataset = new DataContainer({ train: new DatasetFactory().create(config) }).getDataset("train");
  await scope(async () =>
    expect(Object.keys(await dataset.get(0))).toEqual(["surface_pressure", "__meta_time_getitem"]),
  );
});

test("samples leave no tensors behind", async () => {
  const dataset = open(root, { surface: SURFACE, non_finite: "drop" });
  await sample(dataset, 0);
  const before = countTensors();
  for (let i = 0; i < 5; i++) await sample(dataset, i % 3);
  expect(countTensors()).toBe(before);
});
