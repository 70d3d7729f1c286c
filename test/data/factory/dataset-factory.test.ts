import { DatasetFactory } from "../../../lib/data";
import { register } from "../../../lib/config/registry";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { collect, IndexDataset } from "../support";

describe("DatasetFactory", () => {
  class Twelve extends IndexDataset {
    constructor() {
      super(12, ["x", "y"]);
    }
  }
  register("test.Twelve", { class: Twelve, schema: DatasetBaseConfig });
  const build = (wrappers: object[], more: object = {}) =>
    new DatasetFactory().create(DatasetBaseConfig.create({ kind: "test.Twelve", dataset_wrappers: wrappers, ...more }));
  const w = "noether.data.base.wrappers.";

  test.each([
    [[{ kind: `${w}ShuffleWrapper`, seed: 123 }], 12, 12, 1],
    [[{ kind: `${w}SubsetWrapper`, start_percent: 0, end_percent: 0.5 }], 6, 6, 1],
    [[{ kind: `${w}RepeatWrapper`, repetitions: 3 }], 36, 12, 3],
    [
      [
        { kind: `${w}ShuffleWrapper`, seed: 42 },
        { kind: `${w}SubsetWrapper`, start_index: 0, end_index: 6 },
        { kind: `${w}RepeatWrapper`, repetitions: 2 },
      ],
      12,
      6,
      2,
    ],
  ])("%j", async (wrappers, length, unique, repeats) => {
    const samples = await collect(build(wrappers));
    const order = samples.map((sample) => sample["index"]);
    expect(order.length).toBe(length);
    expect(new Set(order).size).toBe(unique);
    for (const index of order) expect(order.filter((other) => other === index)).toHaveLength(repeats);
    for (const sample of samples) expect(Object.keys(sample)).toEqual(["index", "x", "y"]);
  });

  test("wrappers of properties and of times", async () => {
    const dataset = build([{ kind: `${w}PropertySubsetWrapper`, properties: ["y", "index"] }, { kind: `${w}TimingWrapper` }]); // prettier-ignore
    expect(Object.keys(await dataset.get(2))).toEqual(["y", "index", "__meta_time_getitem"]);
  });
  test("a subset of properties without any", () => {
    expect(() => build([{ kind: `${w}PropertySubsetWrapper` }])).toThrow(/properties/);
  });

  test("without wrappers the data set itself", () => {
    expect(build([])).toBeInstanceOf(Twelve);
  });

  test("wrappers one after the other, the first is innermost", () => {
    const [repeat, subset] = [{ kind: `${w}RepeatWrapper`, repetitions: 2 }, { kind: `${w}SubsetWrapper`, end_index: 3 }]; // prettier-ignore
    expect(build([repeat, subset]).toString()).toBe("Twelve (repeated 2 times) (length=3 indices=0-2)");
    expect(build([subset, repeat]).toString()).toBe("Twelve (length=3 indices=0-2) (repeated 2 times)");
  });

  test("excluded properties", async () => {
    expect(Object.keys(await build([], { excluded_properties: ["y"] }).get(0)).sort()).toEqual(["index", "x"]);
  });

  test("a wrapper is validated by its kind", () => {
    expect(() => build([{ kind: `${w}RepeatWrapper`, repetitions: 1 }])).toThrow(/repetitions/);
  });
});
