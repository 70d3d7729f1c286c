import {
  isDataset,
  PropertySubsetWrapper,
  RepeatWrapper,
  ShuffleWrapper,
  Subset,
  SubsetWrapper,
  TimingWrapper,
  type DatasetProtocol,
} from "../../lib/data";
import { ConfigError } from "../../lib/config/errors";
import { AttributeError, RuntimeError, ValueError } from "../../lib/config/python-errors";
import { collect, IndexDataset, values } from "./support";

const indices = async (dataset: DatasetProtocol) => (await collect(dataset)).map((sample) => sample["index"]);

describe("RepeatWrapper", () => {
  test("one pass after the other", async () => {
    expect(await indices(new RepeatWrapper({ repetitions: 4 }, new IndexDataset(2)))).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });
  test("as many samples as repetitions of all", () => {
    const repeated = new RepeatWrapper({ repetitions: 2 }, new IndexDataset(7));
    expect([repeated.length, repeated.repetitions]).toEqual([14, 2]);
  });
  test("an empty data set cannot be repeated", () => {
    expect(() => new RepeatWrapper({ repetitions: 2 }, new IndexDataset(0))).toThrow(ValueError);
  });
  test.each([1, 0, -1])("%i repetitions are refused", (repetitions) => {
    expect(() => new RepeatWrapper({ repetitions }, new IndexDataset(2))).toThrow(ConfigError);
  });
});

describe("ShuffleWrapper", () => {
  test("NumPy's order for the seed", async () => {
    const expected = [15, 9, 14, 7, 12, 10, 6, 19, 3, 0, 16, 5, 11, 18, 2, 4, 17, 1, 13, 8];
    expect(await indices(new ShuffleWrapper({ seed: 42 }, new IndexDataset(20)))).toEqual(expected);
  });
  test("a permutation without a seed", async () => {
    const order = await indices(new ShuffleWrapper({}, new IndexDataset(20)));
    expect([...order].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
  test.each([-1, 3.5])("seed %d is refused", (seed) => {
    expect(() => new ShuffleWrapper({ seed }, new IndexDataset(2))).toThrow(ConfigError);
  });
});

describe("SubsetWrapper", () => {
  const subset = (config: object) => new SubsetWrapper(config, new IndexDataset(10));
  test.each([
    [{ indices: [1, 3, 5, 7] }, [1, 3, 5, 7]],
    [{ indices: [-1, 2.9] }, [9, 2]],
    [{ start_index: 7 }, [7, 8, 9]],
    [{ end_index: 3 }, [0, 1, 2]],
    [{ start_index: 2, end_index: 5 }, [2, 3, 4]],
    [{ end_index: 15 }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [{ end_index: 0 }, []],
    [{ end_percent: 0 }, []],
    [{ start_percent: 0.7 }, [7, 8, 9]],
    [{ end_percent: 0.3 }, [0, 1, 2]],
    [{ start_percent: 0.2, end_percent: 0.5 }, [2, 3, 4]],
  ])("%j", async (config, expected) => {
    expect(await indices(subset(config))).toEqual(expected);
  });
  test("a fraction is cut down to whole samples", () => {
    expect(new SubsetWrapper({ end_percent: 0.29 }, new IndexDataset(100)).length).toBe(28);
  });
  test("nothing given", () => {
    expect(() => subset({})).toThrow(RuntimeError);
  });
  test.each([
    { indices: [1], start_index: 0 },
    { indices: [1], end_index: 3 },
    { indices: [1], start_percent: 0.1 },
    { indices: [1], end_percent: 0.5 },
    { indices: [1], start_index: 0, end_index: 3, start_percent: 0.1, end_percent: 0.5 },
    { indices: [10] },
    { indices: [-11] },
    { indices: [NaN] },
    { indices: ["x"] },
    { indices: "12" },
    { indices: 5 },
    { start_index: 1, start_percent: 0.5 },
    { start_index: 1, end_percent: 0.5 },
    { end_index: 3, start_percent: 0.5 },
    { end_index: 3, end_percent: 0.5 },
    { start_index: 1.1 },
    { end_index: "a" },
    { start_index: 5, end_index: 2 },
    { start_index: -1 },
    { start_percent: -0.1 },
    { start_percent: 1.1 },
    { end_percent: -0.1 },
    { end_percent: 1.1 },
    { start_percent: "a" },
    { end_percent: "b" },
    { start_percent: 0.5, end_percent: 0.2 },
    { start_percent: 0.5, end_percent: 0.5 },
  ])("%j is refused", (config) => {
    expect(() => subset(config)).toThrow(ValueError);
  });
});

describe("PropertySubsetWrapper", () => {
  const base = () => new IndexDataset(20, ["x", "y", "z"]);
  test("exactly the chosen properties", async () => {
    const sample = await new PropertySubsetWrapper(base(), new Set(["x", "index"])).get(3);
    expect(Object.keys(sample).sort()).toEqual(["index", "x"]);
    expect(sample["index"]).toBe(3);
  });
  test("which properties are chosen, in the order given", () => {
    expect([...new PropertySubsetWrapper(base(), new Set(["z", "index", "x"])).properties]).toEqual([
      "z",
      "index",
      "x",
    ]);
  });
  test("every position is the index of its sample", async () => {
    const order = await indices(new PropertySubsetWrapper(base(), new Set(["index"])));
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
  test("a property that is left out has its getter", async () => {
    expect(values(await new PropertySubsetWrapper(base(), new Set(["x"])).getitem("y", 7))).toEqual([7]);
  });
  test("everything else is that of the data set", () => {
    const [dataset, wrapper] = [base(), new PropertySubsetWrapper(base(), new Set(["x"]))];
    expect(wrapper.length).toBe(20);
    expect(wrapper.config).toEqual(dataset.config);
    expect(wrapper.getterKeys()).toEqual(["x", "y", "z"]);
  });
  test("of a subset of properties: what that leaves out can still be reached", async () => {
    const inner = new PropertySubsetWrapper(base(), new Set(["x"]));
    const sample = await new PropertySubsetWrapper(inner, new Set(["y"])).get(4);
    expect(Object.keys(sample)).toEqual(["y"]);
    expect(values(sample["y"])).toEqual([4]);
  });
  test("of repetitions", async () => {
    const dataset = new PropertySubsetWrapper(new RepeatWrapper({ repetitions: 3 }, base()), new Set(["x"]));
    expect(dataset.length).toBe(60);
    expect(values((await dataset.get(41))["x"])).toEqual([1]);
  });
  test("no properties", () => {
    expect(() => new PropertySubsetWrapper(base(), new Set())).toThrow(ValueError);
  });
  test("a list instead of a set", () => {
    expect(() => new PropertySubsetWrapper(base(), ["x"] as never)).toThrow(TypeError);
  });
  test("an unknown property", () => {
    expect(() => new PropertySubsetWrapper(base(), new Set(["w"]))).toThrow(AttributeError);
  });
  test("positions are checked", async () => {
    const subset = new PropertySubsetWrapper(base(), new Set(["x"]));
    await expect(subset.get("a" as never)).rejects.toThrow(TypeError);
    await expect(subset.get(-1)).rejects.toThrow(ValueError);
    for (const end of [20, 21]) await expect(subset.get(end)).rejects.toThrow(RangeError);
  });
  test.each([
    [["x", "y"], null, ["x", "y"]],
    [["x", "y"], ["y"], ["x"]],
    [null, ["y", "unknown"], ["index", "x", "z"]],
  ])("included %j, excluded %j", (included, excluded, expected) => {
    const wrapper = PropertySubsetWrapper.fromIncludedExcluded(base(), included, excluded) as PropertySubsetWrapper;
    expect([...wrapper.properties]).toEqual(expected);
  });
  test("nothing included or excluded leaves the data set as it is", () => {
    const dataset = base();
    expect(PropertySubsetWrapper.fromIncludedExcluded(dataset, null, null)).toBe(dataset);
  });
  test("a repeated subset keeps its values", async () => {
    const repeated = new RepeatWrapper({ repetitions: 2 }, new PropertySubsetWrapper(base(), new Set(["y"])));
    expect(repeated.length).toBe(40);
    expect(values((await repeated.get(21))["y"])).toEqual([1]);
  });
});

describe("which index a sample has", () => {
  const base = () => new IndexDataset(10);
  test("below a subset: that of the base", async () => {
    expect(await indices(new Subset(new PropertySubsetWrapper(base(), new Set(["index", "x"])), [7, 3]))).toEqual([
      7, 3,
    ]);
  });
  test("above a subset: the position in it", async () => {
    const dataset = new PropertySubsetWrapper(new Subset(base(), [7, 3]), new Set(["index", "x"]));
    expect(await indices(dataset)).toEqual([0, 1]);
    expect(values((await dataset.get(0))["x"])).toEqual([7]);
  });
  test("repetitions share it, so that a seed gives each of them the same points", async () => {
    const repeated = new RepeatWrapper({ repetitions: 2 }, new PropertySubsetWrapper(base(), new Set(["index"])));
    expect((await repeated.get(13))["index"]).toBe(3);
  });
});

describe("wrappers in general", () => {
  test("nested subsets compose", async () => {
    const nested = new Subset(new Subset(new IndexDataset(10), [5, 6, 7]), [2, 0]);
    expect(await indices(nested)).toEqual([7, 5]);
    expect(values(await nested.getitem("x", 0))).toEqual([7]);
    expect([0, 1].map((index) => nested.baseIndex(index))).toEqual([7, 5]);
  });
  test("what is set on a wrapper stays there", () => {
    const base = new IndexDataset(3);
    const wrapper = new Subset(base, [0]);
    wrapper.computeStatistics = true;
    expect(base.computeStatistics).toBe(false);
  });
  test("only data sets can be wrapped", () => {
    expect(() => new Subset([] as never, [])).toThrow(ValueError);
    expect(isDataset([])).toBe(false);
  });
  test("timing", async () => {
    const sample = await new TimingWrapper(new IndexDataset(1)).get(0);
    expect(sample["__meta_time_getitem"]).toBeGreaterThanOrEqual(0);
  });
  test("strings tell what was done", () => {
    const base = new IndexDataset(3);
    expect(`${new RepeatWrapper({ repetitions: 2 }, base)}`).toBe("IndexDataset (repeated 2 times)");
    expect(`${new SubsetWrapper({ end_index: 2 }, base)}`).toBe("IndexDataset (length=2 indices=0-1)");
    expect(`${new Subset(base, [])}`).toBe("IndexDataset (length=0)");
    expect(`${new ShuffleWrapper({ seed: 5 }, new Subset(base, [1, 2]))}`).toBe(
      "IndexDataset (length=2 indices=1-2) (shuffled with seed=5)",
    );
    expect(`${new PropertySubsetWrapper(base, new Set(["x", "index"]))}`).toBe("IndexDataset (properties=x,index)");
  });
});
