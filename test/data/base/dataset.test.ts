import { tensor } from "../../../lib/torch";
import { Collator, Dataset, MultiStagePipeline } from "../../../lib/data";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { KeyError, NotImplementedError } from "../../../lib/config/python-errors";
import { collect, IndexDataset, values } from "../support";

const kind = "noether.data.preprocessors.normalizers.MeanStdNormalization";

describe("Dataset", () => {
  test("a sample has its number and the value of every getter", async () => {
    const sample = await new IndexDataset(3).get(1);
    expect(Object.keys(sample)).toEqual(["index", "x"]);
    expect(sample["index"]).toBe(1);
    expect(values(sample["x"])).toEqual([1]);
  });

  test("keys come in alphabetical order, index first", async () => {
    expect(Object.keys(await new IndexDataset(1, ["y", "a", "x"]).get(0))).toEqual(["index", "a", "x", "y"]);
  });

  test("iteration gives every sample", async () => {
    expect((await collect(new IndexDataset(3))).map((sample) => sample["index"])).toEqual([0, 1, 2]);
  });

  test("a data set without a length says so", () => {
    class Endless extends Dataset {}
    expect(() => new Endless(DatasetBaseConfig.create({ kind: "test" })).length).toThrow(NotImplementedError);
  });

  test("the pipeline is a collator or null", () => {
    const dataset = new IndexDataset(1);
    expect(dataset.pipeline).toBeNull();
    dataset.pipeline = new Collator();
    dataset.pipeline = new MultiStagePipeline();
    expect(() => {
      dataset.pipeline = "pipeline" as never;
    }).toThrow(TypeError);
  });

  test("a value passes its normalizers", async () => {
    const dataset = new IndexDataset(9, ["x"], {
      normalizers: {
        x: [
          { kind, mean: 1, std: 2 },
          { kind, mean: 0, std: 2 },
        ],
      },
    });
    expect(values((await dataset.get(5))["x"])).toEqual([1]);
  });

  test("raw values while statistics are computed", async () => {
    const dataset = new IndexDataset(9, ["x"], { normalizers: { x: { kind, mean: 1, std: 2 } } });
    dataset.computeStatistics = true;
    expect(values((await dataset.get(5))["x"])).toEqual([5]);
  });

  test("a missing normalizer names the key and those that exist", async () => {
    class Strict extends Dataset {
      constructor() {
        super(DatasetBaseConfig.create({ kind: "test", dataset_normalizers: { y: { kind, mean: 0, std: 1 } } }));
        this.register("x", () => tensor([1]), { normalize: true });
      }
      override get length(): number {
        return 1;
      }
    }
    await expect(new Strict().get(0)).rejects.toThrow(KeyError);
    await expect(new Strict().get(0)).rejects.toThrow(/"x".*available: y/);
  });

  test("an unknown key lists the known ones", async () => {
    await expect(new IndexDataset(1).getitem("z", 0)).rejects.toThrow(/no "z"; available: x/);
  });
});
