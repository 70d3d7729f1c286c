import { tensor } from "../../../lib/torch";
import { Collator, Dataset, MultiStagePipeline, PropertySubsetWrapper, ShuffleWrapper } from "../../../lib/data";
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

  test("its length, and the values of two getters", async () => {
    const dataset = new IndexDataset(3, ["x", "y"]);
    expect(dataset.length).toBe(3);
    const { index, ...tensors } = await dataset.get(1);
    expect([index, Object.entries(tensors).map(([key, x]) => [key, values(x)])]).toEqual([1, [["x", [1]], ["y", [1]]]]); // prettier-ignore
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
    for (const pipeline of [new Collator(), new MultiStagePipeline()]) {
      dataset.pipeline = pipeline;
      expect(dataset.pipeline).toBe(pipeline);
    }
    const last = dataset.pipeline;
    expect(() => {
      dataset.pipeline = "pipeline" as never;
    }).toThrow(TypeError);
    expect(dataset.pipeline).toBe(last);
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

  test("the former name of addGetter works in classes that are written already", async () => {
    class Numbers extends Dataset {
      constructor() {
        super(DatasetBaseConfig.create({ kind: "test" }));
        this.register("x", (index) => tensor([index]));
      }
      override get length(): number {
        return 9;
      }
    }
    expect(values((await new Numbers().get(5))["x"])).toEqual([5]);
  });

  describe("a normalizer that is not configured", () => {
    class Pressure extends Dataset {
      constructor(normalizer: string, strict_normalizers = false) {
        const dataset_normalizers = { [normalizer]: { kind, mean: 0, std: 2 } };
        super(DatasetBaseConfig.create({ kind: "test", dataset_normalizers, strict_normalizers }));
        this.addGetter("pressure", () => tensor([1]), { normalize: true });
      }
      override get length(): number {
        return 1;
      }
    }
    let output: jest.SpyInstance;
    beforeEach(() => (output = jest.spyOn(process.stderr, "write").mockReturnValue(true)));
    afterEach(() => output.mockRestore());

    test("gives the raw value, with one warning", async () => {
      const dataset = new Pressure("other");
      for (const _ of [1, 2]) expect(values((await dataset.get(0))["pressure"])).toEqual([1]);
      expect(output.mock.calls.join().match(/normalizer "pressure".*available: other/g)).toHaveLength(1);
    });

    test("is an error on request", async () => {
      const work = new Pressure("other", true).get(0);
      await expect(work).rejects.toThrow(KeyError);
      await expect(work).rejects.toThrow(/"pressure".*available: other/);
    });

    test("is an error where another one is misspelt", async () => {
      await expect(new Pressure("presure").get(0)).rejects.toThrow('nothing uses "presure": did you mean "pressure"?');
    });
  });

  test("denormalize undoes the normalizers of a key", () => {
    const dataset = new IndexDataset(9, ["x"], { dataset_normalizers: { x: { kind, mean: 1, std: 2 } } });
    expect(values(dataset.denormalize("x", tensor([2])))).toEqual([5]);
    expect(() => dataset.denormalize("y", tensor([2]))).toThrow(KeyError);
  });

  describe("hooks around the getters of a sample", () => {
    class Opened extends Dataset {
      readonly calls: string[] = [];
      result: unknown = { file: "sample" };
      constructor() {
        super(DatasetBaseConfig.create({ kind: "test" }));
        this.addGetter("b", (index, { file }) => this.read(index, file));
        this.addGetter("a", (index, { file }) => this.read(index, file));
        this.addGetter("broken", () => Promise.reject(new RangeError("no")));
      }
      read(index: number, file: unknown) {
        this.calls.push(`${String(file)} ${index}`);
        return tensor([index]);
      }
      protected override preGetitem(index: number) {
        this.calls.push(`open ${index}`);
        return this.result as Record<string, unknown>;
      }
      protected override postGetitem(index: number, { file }: Record<string, unknown>): void {
        this.calls.push(`close ${index} ${String(file)}`);
      }
      override get length(): number {
        return 3;
      }
    }

    test("run once, also in a subset of properties", async () => {
      const dataset = new Opened();
      await new PropertySubsetWrapper(new ShuffleWrapper({ seed: 0 }, dataset), new Set(["b", "index", "a"])).get(0);
      expect(dataset.calls).toEqual(["open 2", "sample 2", "sample 2", "close 2 sample"]);
    });

    test("the sample is closed after an error", async () => {
      const dataset = new Opened();
      await expect(dataset.get(1)).rejects.toThrow(RangeError);
      expect(dataset.calls).toEqual(["open 1", "sample 1", "sample 1", "close 1 sample"]);
    });

    test("what is prepared is a mapping", async () => {
      const dataset = new Opened();
      dataset.result = [1];
      await expect(dataset.getitem("a", 0)).rejects.toThrow("expected a mapping from preGetitem of Opened");
    });
  });

  test("an unknown key lists the known ones", async () => {
    await expect(new IndexDataset(1).getitem("z", 0)).rejects.toThrow(/no "z"; available: x/);
  });
});
