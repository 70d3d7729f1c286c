/** What happens to a config before the run begins: statistics of the training set, and the comparison with the data specs. */
import { FolderDataset, Mesh, prepareDatasets, type FolderDatasetConfig } from "../../../../lib/data";
import { scope, type Tensor } from "../../../../lib/torch";
import { configOf, failure, fields, temporaryFolder, writeCases, writeText } from "./support";
import { join } from "node:path";

const root = temporaryFolder();
const withNan = temporaryFolder();
const surface = (size: number, p: readonly number[]): Mesh =>
  new Mesh({
    points: Float32Array.of(0, 0, 0, size, 0, 0, size, size / 2, 0, 0, size / 2, 0),
    pointData: fields(
      { p: Float32Array.from(p), U: Float32Array.from({ length: 12 }, (_, i) => (i % 3 === 2 ? 1 : i * size)) },
      4,
    ),
  });
const volume = (size: number): Mesh =>
  new Mesh({ points: Float32Array.of(-size, 0, 0, 0, 0, size), pointData: fields({ p: Float32Array.of(size, 2) }, 2) });

beforeAll(async () => {
  await writeCases(root, {
    a: { "surface.vtp": surface(1, [1, 2, 3, 4]), "volume.vtu": volume(1) },
    b: { "surface.vtp": surface(2, [5, 6, 7, 8]), "volume.vtu": volume(2) },
    c: { "surface.vtp": surface(50, [100, 200, 300, 400]), "volume.vtu": volume(50) },
  });
  writeText(join(root, "table.csv"), "case,speed\na,10\nb,20\nc,70\n");
});

const OPTIONS = {
  splits: { train: ["a", "b"], test: ["c"] },
  split: "train",
  surface: { file: "surface.vtp", position: "points", pressure: "p", velocity: "U", max_points: 2 },
  volume: { file: "volume.vtu", position: "points", pressure: "p" },
  conditions: { inflow: { table: "table.csv", field: "speed" } },
};
const make = (options: object = {}): FolderDatasetConfig => configOf(root, { ...OPTIONS, ...options });
const rows = async (config: FolderDatasetConfig, key: string): Promise<number[][]> =>
  scope(async () => (await new FolderDataset(config).getitem(key, 0)).toArray() as number[][]);

describe("normalize: auto", () => {
  const [train, held] = [make({ normalize: "auto" }), make({ normalize: "auto", split: "test" })];
  beforeAll(() => prepareDatasets({ train, held }));

  test("mean and deviation of all points of the training cases", () => {
    // 1 … 8: mean 4.5, variance 6
    expect(train.dataset_normalizers!["surface_pressure"]).toEqual([
      {
        kind: "noether.data.preprocessors.normalizers.MeanStdNormalization",
        mean: [4.5],
        std: [expect.closeTo(Math.sqrt(6), 12)],
      },
    ]);
    expect(train.dataset_normalizers!["inflow"]![0]).toMatchObject({
      mean: [15],
      std: [expect.closeTo(Math.sqrt(50), 12)],
    });
  });
  test("one cube for the positions of all domains", () => {
    // x from -2 to 2, y from 0 to 1, z from 0 to 2
    const box = {
      kind: "noether.data.preprocessors.normalizers.ShiftAndScaleNormalizer",
      shift: [2, -0, -0],
      scale: [250, 250, 250],
    };
    expect(train.dataset_normalizers!["surface_position"]).toEqual([box]);
    expect(train.dataset_normalizers!["volume_position"]).toEqual([box]);
  });
  test("a channel that is the same everywhere is shifted only", () => {
    expect((train.dataset_normalizers!["surface_velocity"]![0]!["std"] as number[])[2]).toBe(1);
  });
  test("every data set has the numbers of the training set", async () => {
    expect(held.dataset_normalizers).toEqual(train.dataset_normalizers);
    expect((await rows(held, "inflow")) as unknown).toEqual([expect.closeTo(55 / Math.sqrt(50), 5)]);
  });
  test("positions outside of the training cases are no error", async () => {
    expect((await rows(held, "volume_position"))[0]![0]).toBe(-12000);
  });
  test("predictions come back in the units of the data", async () => {
    const dataset = new FolderDataset(train);
    const restored = await scope(
      async () =>
        dataset.denormalize("surface_pressure", await dataset.getitem("surface_pressure", 0)).toArray() as number[][],
    );
    for (const value of restored.flat()) expect(value).toBeCloseTo(Math.round(value), 5);
  });
  test("a config that has its numbers keeps them", async () => {
    const stored = configOf(root, {
      ...train,
      dataset_normalizers: { ...train.dataset_normalizers, inflow: { mean: [1], std: [2] } },
    });
    await prepareDatasets({ train: stored });
    expect(stored.dataset_normalizers!["inflow"]).toMatchObject([{ mean: [1], std: [2] }]);
  });
});

test("a strategy for each key; the others stay raw", async () => {
  const train = make({ normalize: { surface_pressure: "log_mean_std", volume_pressure: "none" } });
  await prepareDatasets({ train });
  expect(Object.keys(train.dataset_normalizers!)).toEqual(["surface_pressure"]);
  const logs = [1, 2, 3, 4, 5, 6, 7, 8].map((p) => Math.log1p(p));
  const mean = logs.reduce((sum, x) => sum + x, 0) / 8;
  expect(train.dataset_normalizers!["surface_pressure"]![0]).toMatchObject({
    mean: [expect.closeTo(mean, 6)],
    logscale: true,
  });
  expect(await rows(train, "volume_pressure")).toEqual([[1], [2]]);
});

test("NaN that is kept: there are no numbers to normalise by", async () => {
  await writeCases(withNan, { a: { "surface.vtp": surface(1, [1, NaN, 3, 4]) } });
  const options = { surface: OPTIONS.surface, non_finite: "keep" };
  const [all, without] = ["auto", { surface_pressure: "none" }].map((normalize) =>
    configOf(withNan, { ...options, normalize }),
  );
  expect(await failure(() => prepareDatasets({ all: all! }))).toMatch(
    /surface_pressure has NaN or infinite values in the training cases.*non_finite: drop/,
  );
  await prepareDatasets({ without: without! });
});

test("without numbers, values that are to be normalised do not come out raw", async () => {
  expect(await failure(() => rows(make({ normalize: "auto" }), "volume_pressure"))).toMatch(
    /normalize has no numbers yet for volume_pressure.*prepareDatasets/,
  );
});

test("a key that is none", async () => {
  expect(await failure(() => make({ normalize: { surface_presure: "mean_std" } }))).toMatch(
    /normalize\.surface_presure.*did you mean "surface_pressure"/,
  );
});

describe("data specs", () => {
  const SPECS = {
    position_dim: 3,
    domains: {
      surface: { output_dims: { pressure: 1, velocity: 3 } },
      volume: { output_dims: { pressure: 1 }, feature_dim: null },
    },
    conditioning_dims: { inflow: 1 },
  };
  const check = (dataSpecs: object, options: object = {}) =>
    failure(() => prepareDatasets({ train: make(options) }, { dataSpecs }));

  test("that fit", async () => {
    await prepareDatasets({ train: make() }, { dataSpecs: SPECS });
  });
  test.each<[string, object, RegExp]>([
    [
      "another number of channels",
      { domains: { surface: { output_dims: { velocity: 2 } } } },
      /data_specs\.domains\.surface\.output_dims\.velocity is 2, but surface_velocity has 3 channels/,
    ],
    [
      "a field that the data do not have",
      { domains: { volume: { output_dims: { presure: 1 } } } },
      /output_dims\.presure: the data set has no volume_presure; did you mean "volume_pressure"/,
    ],
    ["another dimension", { position_dim: 2 }, /position_dim is 2, but surface_position has 3 channels/],
    [
      "another condition",
      { conditioning_dims: { inflow: 2 } },
      /conditioning_dims\.inflow is 2, but inflow has 1 channel$/m,
    ],
    [
      "a feature",
      { domains: { volume: { output_dims: {}, feature_dim: { volume_sdf: 1 } } } },
      /feature_dim\.volume_sdf: the data set has no volume_sdf/,
    ],
  ])("refused: %s", async (_, change, message) => expect(await check({ ...SPECS, ...change })).toMatch(message));
});

test("the first case is read before the run begins", async () => {
  const broken = make({ surface: { ...OPTIONS.surface, pressure: "q" } });
  expect(await failure(() => prepareDatasets({ train: broken }))).toMatch(
    /surface_pressure of the case "a": there is no field "q"/,
  );
});

test("a tensor is the same whether normalised by the stored numbers or by hand", async () => {
  const train = make({ normalize: "auto", surface: { ...OPTIONS.surface, max_points: null } });
  await prepareDatasets({ train });
  const value = await scope(
    async () => ((await new FolderDataset(train).getitem("surface_pressure", 0)) as Tensor).toArray() as number[][],
  );
  value.forEach(([x], i) => expect(x).toBeCloseTo((i + 1 - 4.5) / Math.sqrt(6), 6));
});

test("a copy of the config, as a worker gets it, makes the same data set", async () => {
  const train = make({ normalize: "auto", surface: { ...OPTIONS.surface, seed: 1 } });
  await prepareDatasets({ train });
  for (const key of ["surface_pressure", "volume_position", "inflow"])
    expect(await rows(structuredClone(train), key)).toEqual(await rows(train, key));
});

test("properties that are left out are not read", async () => {
  const train = make({
    surface: { ...OPTIONS.surface, pressure: "nothing" },
    excluded_properties: ["surface_pressure"],
    normalize: "auto",
  });
  await prepareDatasets({ train });
  expect(Object.keys(train.dataset_normalizers!)).not.toContain("surface_pressure");
});

test("a field of small numbers becomes one of the order of 1, too", async () => {
  const train = make({
    normalize: { surface_pressure: "mean_std" },
    surface: { ...OPTIONS.surface, max_points: null, pressure: { field: "p", scale: 1e-9 } },
  });
  await prepareDatasets({ train });
  const value = await rows(train, "surface_pressure");
  value.forEach(([x], i) => expect(x).toBeCloseTo((i + 1 - 4.5) / Math.sqrt(6), 4));
  const dataset = new FolderDataset(train);
  const restored = await scope(
    async () =>
      dataset.denormalize("surface_pressure", await dataset.getitem("surface_pressure", 0)).toArray() as number[][],
  );
  restored.forEach(([x], i) => expect(x! * 1e9).toBeCloseTo(i + 1, 4));
});
