import { randn, tensor, type Tensor } from "../../lib/torch";
import * as data from "../../lib/data";
import {
  AssertionError,
  KeyError,
  NotImplementedError,
  RuntimeError,
  ValueError,
} from "../../lib/config/python-errors";
import { values } from "./support";

const column = (...numbers: number[]) => tensor(numbers.map((x) => [x]));
const numbersOf = (x: unknown) => (x as Tensor).flatten().toArray() as number[];

class Double extends data.SampleProcessor {
  override process(sample: data.Sample): data.Sample {
    return { ...sample, x: (sample["x"] as Tensor).mul(2) };
  }
}

class Sum extends data.BatchProcessor {
  override process(batch: data.BatchMap): data.BatchMap {
    return { ...batch, x: (batch["x"] as Tensor).sum() };
  }
  override denormalize(key: string, value: Tensor): readonly [string, Tensor] {
    return [key, value];
  }
}

describe("default collate", () => {
  test("tensors are stacked", () => {
    const batch = data.defaultCollate([1, 2, 3].map((i) => ({ x: tensor(Array<number>(100).fill(i)) })));
    expect((batch["x"] as Tensor).shape).toEqual([3, 100]);
  });
  test("is what a Collator does", () => {
    const batch = new data.Collator().collate([1, 2, 3].map((i) => ({ x: tensor(Array<number>(100).fill(i)) })));
    expect((batch["x"] as Tensor).shape).toEqual([3, 100]);
  });
  test("numbers, the index, booleans, bigints, strings, lists and mappings", () => {
    const batch = data.defaultCollate([
      { index: 4, t: 1.5, b: true, n: 7n, s: "a", l: [1, 2], m: { x: 1 } },
      { index: 5, t: 2, b: false, n: 8n, s: "b", l: [3, 4], m: { x: 2 } },
    ]);
    const dtype = (key: string) => (batch[key] as Tensor).dtype;
    expect([dtype("index"), dtype("t"), dtype("b"), dtype("n")]).toEqual(["int64", "float64", "bool", "int64"]);
    expect(values(batch["index"])).toEqual([4, 5]);
    expect(batch["s"]).toEqual(["a", "b"]);
    expect((batch["l"] as Tensor[]).map(values)).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(values((batch["m"] as data.Sample)["x"])).toEqual([1, 2]);
  });
  test("typed arrays are tensors of their type", () => {
    const batch = data.defaultCollate([{ x: Float64Array.of(1, 2) }, { x: Float64Array.of(3, 4) }]);
    expect([(batch["x"] as Tensor).dtype, values(batch["x"])]).toEqual(["float64", [[1, 2], [3, 4]]]); // prettier-ignore
    expect(() => data.defaultCollate([{ x: Float64Array.of(1) }, { x: Int32Array.of(1) }])).toThrow("one type");
  });
  test("keys of the first sample; a missing one is an error, a further one is left out", () => {
    expect(() => data.defaultCollate([{ x: 1 }, {}])).toThrow(KeyError);
    expect(Object.keys(data.defaultCollate([{ x: 1 }, { x: 2, y: 3 }]))).toEqual(["x"]);
  });
  test.each<[string, data.Sample[], string]>([
    [
      "point clouds of different lengths",
      [
        { index: 12, x: column(1, 2) },
        { index: 40, x: column(1) },
      ],
      'expected as many points of "x" in every sample of a batch, received (2, 1) in sample 12 and (1, 1) in sample 40; take the same number of each (PointSamplingSampleProcessor), join them (ConcatSparseTensorCollator), or train with a batch size of 1',
    ],
    [
      "other shapes",
      [{ x: tensor([[1, 2]]) }, { x: tensor([[1, 2]]) }, { x: tensor([[1]]) }],
      'expected tensors of one shape under "x" in every sample of a batch, received (1, 2) in sample 0 of the batch and (1, 1) in sample 2 of the batch',
    ],
    [
      "other types",
      [
        { index: 3, x: column(1) },
        { index: 5, x: column(1).to("float64") },
      ],
      'expected tensors of one type under "x" in every sample of a batch, received float32 in sample 3 and float64 in sample 5; convert them where they are read, x.to("float32")',
    ],
    [
      "something that is no tensor",
      [
        { index: 3, x: column(1) },
        { index: 5, x: null },
      ],
      'expected a tensor under "x" in sample 5 as in sample 3, received null',
    ],
    [
      "a tensor among numbers",
      [
        { index: 3, t: 1 },
        { index: 5, t: tensor(1) },
      ],
      'expected values of one type under "t" to collate, received a number in sample 3 and a tensor in sample 5',
    ],
    [
      "a key that is not there",
      [{ index: 3, x: 1 }, { index: 5 }],
      'expected "x" in every sample of a batch; sample 5 has index',
    ],
    ["lists of different lengths", [{ x: [1, 2] }, { x: [1] }], 'expected lists of equal length under "x"'],
    ["no samples", [], "expected at least one sample"],
  ])("%s: an error that names the samples and what to do", (_, samples, problem) => {
    expect(() => data.defaultCollate(samples)).toThrow(problem);
  });
  test("null cannot be collated", () => {
    expect(() => data.defaultCollate([{ x: null }])).toThrow(TypeError);
  });
});

describe("MultiStagePipeline", () => {
  test.each<[string, data.SampleCollator[]]>([
    ["collate", []],
    ["concat", [new data.ConcatSparseTensorCollator({ items: ["x"] })]],
  ])("double, %s, sum; the samples stay as they are", (_, collators) => {
    const samples = [0, 1, 2].map((i) => ({ x: tensor([i]) }));
    const pipeline = new data.MultiStagePipeline({ sample_processors: [new Double()], collators, batch_processors: [new Sum()] }); // prettier-ignore
    expect((pipeline.collate(samples)["x"] as Tensor).item()).toBe(6);
    expect(samples.map(({ x }) => x.item())).toEqual([0, 1, 2]);
  });
  test("without collators every key is stacked", () => {
    expect(new data.MultiStagePipeline({ collators: [] }).collators).toHaveLength(1);
  });
  test("components from configs", () => {
    const pipeline = new data.MultiStagePipeline({
      sample_processors: [
        { kind: "noether.data.pipeline.sample_processors.RenameKeysSampleProcessor", key_map: { x: "y" } },
      ],
      collators: { only: { kind: "noether.data.pipeline.collators.DefaultCollator", items: ["y"] } },
    });
    expect(Object.keys(pipeline.collate([{ x: 1 }]))).toEqual(["y"]);
  });
  test("a misspelt argument of a component is named", () => {
    const config = {
      kind: "noether.data.pipeline.sample_processors.PointSamplingSampleProcessor",
      items: ["x"],
      num_point: 3,
    };
    expect(() => new data.MultiStagePipeline({ sample_processors: [config] })).toThrow(/num_point/);
  });
  test("two collators may not make one key", () => {
    const collator = new data.DefaultCollator({ items: ["x"] });
    expect(() => new data.MultiStagePipeline({ collators: [collator, collator] }).collate([{ x: 1 }])).toThrow(
      ValueError,
    );
  });
  test("processors run processor by processor", () => {
    const calls: string[] = [];
    const logging = (name: string) =>
      new (class extends data.SampleProcessor {
        override process(sample: data.Sample): data.Sample {
          calls.push(`${name}${String(sample["index"])}`);
          return sample;
        }
      })();
    new data.MultiStagePipeline({ sample_processors: [logging("a"), logging("b")] }).collate([
      { index: 0 },
      { index: 1 },
    ]);
    expect(calls).toEqual(["a0", "a1", "b0", "b1"]);
  });
  test("finding a processor", () => {
    const processor = new Double();
    const pipeline = new data.MultiStagePipeline({ sample_processors: [processor] });
    expect(pipeline.getSampleProcessor((p) => p instanceof Double)).toBe(processor);
    expect(() => pipeline.getSampleProcessor(() => false)).toThrow(ValueError);
    expect(() => new data.MultiStagePipeline().getSampleProcessor(() => true)).toThrow(ValueError);
    const two = new data.MultiStagePipeline({ sample_processors: [processor, new Double()] });
    expect(() => two.getSampleProcessor(() => true)).toThrow(ValueError);
  });
  test("as a string", () => {
    expect(String(new data.MultiStagePipeline({ sample_processors: [new Double(), new Double()] }))).toBe(
      "MultiStagePipeline with 2 sample processors 1 collator",
    );
  });
});

describe("sample processors", () => {
  test("concat", () => {
    const processor = new data.ConcatTensorSampleProcessor({ items: ["a", "b"], target_key: "c", dim: 1 });
    expect(values(processor.process({ a: column(1, 2), b: column(3, 4) })["c"])).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });
  test("default tensor", () => {
    const processor = new data.DefaultTensorSampleProcessor({
      item_key_name: "sdf",
      feature_dim: 2,
      matching_item_key: "x",
      default_value: 3,
    });
    expect(values(processor.process({ x: column(1, 2) })["sdf"])).toEqual([
      [3, 3],
      [3, 3],
    ]);
    expect(() => new data.DefaultTensorSampleProcessor({ item_key_name: "sdf", feature_dim: 1 })).toThrow(
      AssertionError,
    );
  });
  test.each([
    [[19, 21, 24], { max_value: 21 }, [19, 21]],
    [[19, 21, 24], { min_value: 20, max_value: 21 }, [21]],
    [[19, 21, 22, 24], { max_quantile: 0.5 }, [19, 21]],
    [[19, 21, 22, 24], { min_quantile: 0.5 }, [22, 24]],
    [[19, 21], {}, [19, 21]],
  ])("outliers of %j with %j", (input, bounds, expected) => {
    const processor = new data.DropOutliersSampleProcessor({ item: "p", affected_items: ["q"], ...bounds });
    const result = processor.process({
      p: column(...input),
      q: column(...input.map((x) => 10 * x)),
      r: column(...input),
    });
    expect(numbersOf(result["p"])).toEqual(expected);
    expect(numbersOf(result["q"])).toEqual(expected.map((x) => 10 * x));
    expect(numbersOf(result["r"])).toEqual(input);
  });
  test("outliers of something that is no column", () => {
    expect(() => new data.DropOutliersSampleProcessor({ item: "p", max_value: 1 }).process({ p: tensor([1]) })).toThrow(
      ValueError,
    );
  });
  test("duplicate, rename, replace", () => {
    const sample = { a: column(1), b: column(2) };
    const duplicated = new data.DuplicateKeysSampleProcessor({ key_map: { a: "c" } }).process(sample);
    expect(Object.keys(duplicated)).toEqual(["a", "b", "c"]);
    expect(duplicated["c"]).not.toBe(sample.a);
    expect([values(duplicated["a"]), values(duplicated["c"])]).toEqual([[[1]], [[1]]]);
    expect(Object.keys(new data.RenameKeysSampleProcessor({ key_map: { a: "z", none: "y" } }).process(sample))).toEqual(
      ["z", "b"],
    );
    const replaced = new data.ReplaceKeySampleProcessor({ source_key: "a", target_keys: ["x", "y"] }).process(sample);
    expect(Object.keys(replaced)).toEqual(["b", "x", "y"]);
    expect(() => new data.ReplaceKeySampleProcessor({ source_key: "q", target_keys: [] }).process(sample)).toThrow(
      KeyError,
    );
  });
  test("moment normalization and its inverse", () => {
    const processor = new data.MomentNormalizationSampleProcessor({ item: "x", mean: [2, 3], std: [1, 2] });
    const x = tensor([
      [3, 4],
      [5, 6],
    ]);
    const y = processor.process({ x })["x"] as Tensor;
    expect(values(y)).toEqual([
      [1, 0.5],
      [3, 1.5],
    ]);
    expect(values(processor.inverse("x", y))).toEqual([
      [3, 4],
      [5, 6],
    ]);
    expect(processor.inverse("other", x)).toBe(x);
    expect(values(x)).toEqual([
      [3, 4],
      [5, 6],
    ]);
    expect(() => processor.process({})).toThrow(KeyError);
  });
  test("moment normalization of the logarithm", () => {
    const processor = new data.MomentNormalizationSampleProcessor({
      item: "x",
      logmean: [0],
      logstd: [1],
      logscale: true,
    });
    const y = processor.process({ x: column(3) })["x"] as Tensor;
    expect(Number(y.item())).toBeCloseTo(1.3862944, 6);
    expect(Number(processor.inverse("x", y).item())).toBeCloseTo(3, 5);
  });
  // log1p of 3, 4, 5, 6
  test("moment normalization of the logarithm, several channels", () => {
    const processor = new data.MomentNormalizationSampleProcessor({
      item: "x",
      logmean: [0, 0],
      logstd: [1, 1],
      logscale: true,
    });
    const z = column(1);
    const result = processor.process({ x: tensor([[3, 4], [5, 6]]), z }); // prettier-ignore
    const expected = [1.3862943611198906, 1.6094379124341003, 1.791759469228055, 1.9459101490553132];
    numbersOf(result["x"]).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
    numbersOf(processor.inverse("x", result["x"] as Tensor)).forEach((v, i) => expect(v).toBeCloseTo(i + 3, 5));
    expect(result["z"]).toBe(z);
  });
  test("position normalization, also with a leading dimension", () => {
    const processor = new data.PositionNormalizationSampleProcessor({
      items: ["x"],
      raw_pos_min: [2, 0],
      raw_pos_max: [3, 2],
    });
    expect(
      values(
        processor.process({
          x: tensor([
            [2, 1],
            [3, 2],
          ]),
        })["x"],
      ),
    ).toEqual([
      [0, 500],
      [1000, 1000],
    ]);
    expect(
      values(
        processor.process({
          x: tensor([
            [
              [2, 1],
              [3, 2],
            ],
          ]),
        })["x"],
      ),
    ).toEqual([
      [
        [0, 500],
        [1000, 1000],
      ],
    ]);
  });
  test("point sampling takes the same rows of every item", () => {
    const processor = new data.PointSamplingSampleProcessor({ items: ["x", "y"], num_points: 4, seed: 0 });
    const sample = {
      index: 0,
      x: column(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
      y: column(0, 10, 20, 30, 40, 50, 60, 70, 80, 90),
      z: column(1),
    };
    const result = processor.process(sample);
    expect(numbersOf(result["x"])).toEqual([4, 1, 7, 5]); // PyTorch's randperm(10) with seed 0
    expect(numbersOf(result["y"])).toEqual([40, 10, 70, 50]);
    expect(result["z"]).toBe(sample.z);
  });
  test("a seed and the sample's number make the points", () => {
    const processor = new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 8, seed: 1 });
    expect(numbersOf(processor.process({ index: 0, x: column(0, 1, 2, 3, 4, 5, 6, 7) })["x"])).toEqual([
      5, 4, 2, 6, 7, 3, 1, 0,
    ]);
  });
  test("with a seed every call gives the same points", () => {
    const processor = new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 4, seed: 0 });
    const sample = { index: 0, x: randn([10, 2]) };
    expect(values(processor.process(sample)["x"])).toEqual(values(processor.process(sample)["x"]));
  });
  test("without a seed the rows are those of the source, none twice", () => {
    const processor = new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 4 });
    const drawn = numbersOf(processor.process({ x: column(0, 1, 2, 3, 4, 5, 6, 7, 8, 9) })["x"]);
    expect(new Set(drawn).size).toBe(4);
    for (const row of drawn) expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).toContain(row);
  });
  test("a seed needs the sample's number", () => {
    expect(() =>
      new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 1, seed: 0 }).process({ x: column(1) }),
    ).toThrow(/"index"/);
  });
  test("unseeded sampling differs from call to call", () => {
    const processor = new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 100 });
    const x = column(...Array.from({ length: 100 }, (_, i) => i));
    expect(numbersOf(processor.process({ x })["x"])).not.toEqual(numbersOf(processor.process({ x })["x"]));
  });
  test("no points", () => {
    expect(() => new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 0 })).toThrow(AssertionError);
  });
  test.each([2, 1, 0])("%i supernodes", (num_supernodes) => {
    const processor = new data.SupernodeSamplingSampleProcessor({
      item: "x",
      num_supernodes,
      items_at_supernodes: ["p", "v"],
    });
    const result = processor.process({ x: column(0, 1, 2), p: tensor([0, 10, 20]), v: column(0, 100, 200) });
    const index = numbersOf(result["supernode_idx"]);
    expect(index).toHaveLength(num_supernodes);
    expect(numbersOf(result["supernode_p"])).toEqual(index.map((i) => 10 * i));
    expect((result["supernode_p"] as Tensor).shape).toEqual([num_supernodes]);
    expect((result["supernode_v"] as Tensor).shape).toEqual([num_supernodes, 1]);
    expect(numbersOf(result["supernode_v"])).toEqual(index.map((i) => 100 * i));
  });
  test.each<[string, data.SampleProcessor]>([
    ["drop outliers", new data.DropOutliersSampleProcessor({ item: "x" })],
    ["duplicate", new data.DuplicateKeysSampleProcessor({ key_map: {} })],
    ["rename", new data.RenameKeysSampleProcessor({ key_map: {} })],
    ["replace", new data.ReplaceKeySampleProcessor({ source_key: "x", target_keys: [] })],
    ["points", new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 1 })],
    ["supernodes", new data.SupernodeSamplingSampleProcessor({ item: "x", num_supernodes: 1 })],
    ["positions", new data.PositionNormalizationSampleProcessor({ items: ["x"], raw_pos_min: [0], raw_pos_max: [1] })],
    ["concat", new data.ConcatTensorSampleProcessor({ items: ["x"], target_key: "y" })],
    ["default", new data.DefaultTensorSampleProcessor({ item_key_name: "x", feature_dim: 1, size: 1 })],
  ])("%s cannot be inverted", (_, processor) => {
    expect(() => processor.inverse("x", column(1))).toThrow(NotImplementedError);
  });
  test("concat of items that do not fit", () => {
    const processor = new data.ConcatTensorSampleProcessor({ items: ["a", "b"], target_key: "c", dim: -1 });
    expect(() => processor.process({ a: column(1, 2), b: column(1) })).toThrow(
      'expected items that differ along dimension -1 only, received "a" of shape (2, 1) and "b" of (1, 1)',
    );
  });
  test("default tensor of a size of its own, and of an item that is not there", () => {
    const options = { item_key_name: "sdf", feature_dim: 3 };
    const added = new data.DefaultTensorSampleProcessor({ ...options, size: 4 }).process({})["sdf"] as Tensor;
    expect([added.shape, added.dtype, Number(added.sum().item())]).toEqual([[4, 3], "float32", 0]);
    expect(() => new data.DefaultTensorSampleProcessor({ ...options, matching_item_key: "x" }).process({})).toThrow(KeyError); // prettier-ignore
  });
  test("outliers: items that are not there, or have other rows", () => {
    const processor = new data.DropOutliersSampleProcessor({ item: "p", affected_items: ["q"], max_value: 1 });
    expect(() => processor.process({})).toThrow(KeyError);
    expect(() => processor.process({ p: column(1) })).toThrow(KeyError);
    expect(() => processor.process({ p: column(1), q: column(1, 2) })).toThrow('as many rows of "q" as of "p", 1');
  });
  test("outliers by several bounds at once", () => {
    const processor = new data.DropOutliersSampleProcessor({ item: "p", min_value: 2, max_quantile: 0.75 });
    expect(numbersOf(processor.process({ p: column(1, 2, 3, 4, 5) })["p"])).toEqual([2, 3, 4]);
  });
  test("duplicates in order: a later pair may copy an earlier copy", () => {
    const processor = new data.DuplicateKeysSampleProcessor({ key_map: { a: "b", b: "c" } });
    expect(numbersOf(processor.process({ a: column(7) })["c"])).toEqual([7]);
    expect(() => processor.process({ x: 1 })).toThrow(KeyError);
  });
  test("renamed keys that meet: the later entry stays, in the order of the sample", () => {
    const processor = new data.RenameKeysSampleProcessor({ key_map: { a: "c" } });
    expect(processor.process({ a: 1, b: 2, c: 3 })).toEqual({ c: 3, b: 2 });
  });
  test("replaced keys are copies", () => {
    const a = column(1);
    const replaced = new data.ReplaceKeySampleProcessor({ source_key: "a", target_keys: ["x", "y"] }).process({ a });
    expect(new Set([a, replaced["x"], replaced["y"]]).size).toBe(3);
    expect([values(replaced["x"]), values(replaced["y"])]).toEqual([[[1]], [[1]]]);
  });
  test("moment normalization: statistics that are missing or do not fit", () => {
    const make = (options: object) => () => new data.MomentNormalizationSampleProcessor({ item: "x", ...options });
    expect(make({})).toThrow(ValueError);
    expect(make({ mean: [0] })).toThrow(ValueError);
    expect(make({ mean: [0], std: [1], logscale: true })).toThrow(ValueError);
    expect(make({ mean: [0], std: [1, 2] })).toThrow(RuntimeError);
  });
  // PyTorch: v * std[None] + mean[None]
  test("moment normalization: the way back of a batch, and of other keys", () => {
    const processor = new data.MomentNormalizationSampleProcessor({ item: "x", mean: [2, 3], std: [0.5, 2] });
    const v = tensor([[[1, 2], [3, 4]]]); // prettier-ignore
    expect(numbersOf(processor.inverse("x", v))).toEqual([2.5, 7, 3.5, 11]);
    expect(processor.inverse("y", v)).toBe(v);
  });
  test("position normalization: corners of different lengths, an item that is not there", () => {
    const make = (max: number[]) => new data.PositionNormalizationSampleProcessor({ items: ["x"], raw_pos_min: [0, 0], raw_pos_max: max }); // prettier-ignore
    expect(() => make([1])).toThrow(AssertionError);
    expect(() => make([1, 1]).process({})).toThrow(KeyError);
  });
  test("point sampling of more points than there are takes all, in random order", () => {
    const processor = new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 1e9, seed: 0 });
    const x = column(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(numbersOf(processor.process({ index: 0, x })["x"])).toEqual([4, 1, 7, 5, 3, 9, 0, 8, 6, 2]);
  });
  test("point sampling: index and seed are added, and only the low 32 bits of the sum count", () => {
    const x = column(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    const processor = new data.PointSamplingSampleProcessor({ items: ["x"], num_points: 10, seed: 2 ** 32 + 40 });
    expect(numbersOf(processor.process({ index: 2, x })["x"])).toEqual([2, 6, 1, 8, 4, 5, 0, 9, 3, 7]);
  });
  test("point sampling of items that differ in rows: an error, nothing is cut off", () => {
    const processor = new data.PointSamplingSampleProcessor({ items: ["x", "y"], num_points: 1 });
    expect(() => processor.process({ x: column(1), y: column(1, 2) })).toThrow(
      'PointSamplingSampleProcessor: expected as many rows of "y" as of "x", 1, received (2, 1)',
    );
    expect(() => processor.process({ x: column(1), y: [1] })).toThrow(ValueError);
  });
  test("seeded supernodes: PyTorch's permutation, an index of type int64 under a key of its own", () => {
    const processor = new data.SupernodeSamplingSampleProcessor({
      item: "x",
      num_supernodes: 3,
      supernode_idx_key: "nodes",
      items_at_supernodes: ["input_pressure"],
      seed: 40,
    });
    const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const sample = processor.process({ index: 2, x: column(...ten), input_pressure: tensor(ten) });
    expect([numbersOf(sample["nodes"]), (sample["nodes"] as Tensor).dtype]).toEqual([[2, 6, 1], "int64"]);
    expect(values(sample["supernode_input_pressure"])).toEqual([2, 6, 1]);
    expect(numbersOf(sample["x"])).toEqual(ten);
  });
  test("supernodes: at most all points; items with one row a point", () => {
    const make = (more: object) => new data.SupernodeSamplingSampleProcessor({ item: "x", num_supernodes: 9, ...more });
    expect(numbersOf(make({}).process({ x: column(1, 2) })["supernode_idx"])).toHaveLength(2);
    expect(() => make({ items_at_supernodes: ["p"] }).process({ x: column(1, 2), p: column(1) })).toThrow('rows of "p"'); // prettier-ignore
  });
});

describe("collators", () => {
  test("default, with optional items", () => {
    const collator = new data.DefaultCollator({ items: ["x"], optional_items: ["y"] });
    const stacked = collator.collate([{ x: column(1) }, { x: column(2) }]);
    expect([Object.keys(stacked), (stacked["x"] as Tensor).shape]).toEqual([["x"], [2, 1, 1]]);
    expect(Object.keys(collator.collate([{ x: 1, y: 2 }]))).toEqual(["x", "y"]);
    expect(new data.DefaultCollator().collate([{ x: 1 }])).toEqual({});
  });
  test("sparse tensors with their batch index", () => {
    const collator = new data.ConcatSparseTensorCollator({
      items: ["x"],
      create_batch_idx: true,
      batch_idx_key: "owner",
    });
    const batch = collator.collate([{ x: tensor([1, 2, 3]) }, { x: tensor([4, 5]) }]);
    expect(values(batch["x"])).toEqual([1, 2, 3, 4, 5]);
    expect(values(batch["owner"])).toEqual([0, 0, 0, 1, 1]);
    expect((batch["owner"] as Tensor).dtype).toBe("int64");
    expect(() => collator.collate([])).toThrow(AssertionError);
    expect(
      () => new data.ConcatSparseTensorCollator({ items: ["x"], create_batch_idx: true, batch_idx_key: "x" }),
    ).toThrow(AssertionError);
  });
  test("the batch index is called batch_idx, and is there on request", () => {
    const samples = [{ x: tensor([1, 2, 3]) }, { x: tensor([4, 5]) }];
    const joined = (more: object) => new data.ConcatSparseTensorCollator({ items: ["x"], ...more }).collate(samples);
    expect(values(joined({ create_batch_idx: true })["batch_idx"])).toEqual([0, 0, 0, 1, 1]);
    expect(Object.keys(joined({}))).toEqual(["x"]);
  });
  test("indices shifted into joined point clouds", () => {
    const collator = new data.SparseTensorOffsetCollator({ item: "i", offset_key: "x" });
    const index = (...entries: number[]) => tensor(entries.map(BigInt));
    const batch = collator.collate([
      { i: index(0, 2), x: column(1, 2, 3) },
      { i: index(1), x: column(4, 5) },
      { i: index(0), x: column(6) },
    ]);
    expect(values(batch["i"])).toEqual([0, 2, 4, 5]);
    expect(Object.keys(batch)).toEqual(["i"]);
  });
  test("field decoder", () => {
    const collator = new data.FieldDecoderCollator({ position_item: "x", target_items: ["y"] });
    const sample = (...entries: number[]) => ({ x: tensor(entries), y: tensor(entries) });
    expect(collator.collate([sample(1, 2), sample(3, 4)])["unbatch_mask_x"]).toBeNull();
    const batch = collator.collate([sample(1, 2), sample(3, 4, 5)]);
    expect(values(batch["x"])).toEqual([
      [1, 2, 0],
      [3, 4, 5],
    ]);
    expect(values(batch["y"])).toEqual([1, 2, 3, 4, 5]);
    expect(values(batch["unbatch_mask_x"])).toEqual([true, true, false, true, true, true]);
    expect(() => collator.collate([])).toThrow(AssertionError);
    expect(() => collator.collate([{ x: tensor([1]), y: tensor([1, 2]) }])).toThrow(AssertionError);
  });
});

describe("collators of samples that do not fit", () => {
  const a = { index: 3, x: column(1, 2), i: tensor([0n]), y: column(1, 2) };
  test.each<[string, { collate(samples: data.Sample[]): unknown }, data.Sample, string]>([
    ["join: other components", new data.ConcatSparseTensorCollator({ items: ["x"] }), { index: 9, x: tensor([[1, 2]]) }, '"x" in every sample of a batch, received (2, 1) in sample 3 and (1, 2) in sample 9'],
    ["join: another type", new data.ConcatSparseTensorCollator({ items: ["x"] }), { index: 9, x: column(1).to("float64") }, "float32 in sample 3 and float64 in sample 9"],
    ["join: a key that is not there", new data.ConcatSparseTensorCollator({ items: ["x"] }), { index: 9 }, "sample 9 has index"],
    ["indices: of another type", new data.SparseTensorOffsetCollator({ item: "i", offset_key: "x" }), { index: 9, x: column(1), i: tensor([0]) }, "int64 in sample 3 and float32 in sample 9"],
    ["indices: no point cloud", new data.SparseTensorOffsetCollator({ item: "i", offset_key: "x" }), { index: 9, i: tensor([0n]) }, 'expected "x" in every sample'],
    ["padding: other components", new data.FieldDecoderCollator({ position_item: "x", target_items: [] }), { index: 9, x: tensor([[1, 2]]) }, "(2, 1) in sample 3 and (1, 2) in sample 9"],
    ["padding: other rows of a target", new data.FieldDecoderCollator({ position_item: "x", target_items: ["y"] }), { index: 9, x: column(1), y: column(1, 2) }, 'expected 1 rows of "y" in sample 9'],
    ["stack: only some keys", new data.DefaultCollator({ items: ["x"] }), { index: 9, x: column(1) }, "(2, 1) in sample 3 and (1, 1) in sample 9"],
  ])("%s", (_, collator, b, problem) => {
    expect(() => collator.collate([a, b])).toThrow(problem);
  }); // prettier-ignore
  test("join: numbers have no rows", () => {
    expect(() => new data.ConcatSparseTensorCollator({ items: ["x"] }).collate([{ x: tensor(1) }])).toThrow(
      "expected rows",
    );
  });
  test("field decoder: the longer sample first", () => {
    const collator = new data.FieldDecoderCollator({ position_item: "x", target_items: ["y"] });
    const batch = collator.collate([
      { x: column(1, 2), y: column(1, 2) },
      { x: column(3), y: column(3) },
    ]);
    expect(values(batch["unbatch_mask_x"])).toEqual([true, true, true, false]);
  });
  test("optional items of the first sample only", () => {
    const collator = new data.DefaultCollator({ optional_items: ["y"] });
    expect(collator.collate([{ x: 1 }, { y: 2 }])).toEqual({});
    expect(() => collator.collate([{ y: 2 }, { x: 1 }])).toThrow(KeyError);
  });
});

describe("statistics that nothing can be divided by", () => {
  const box = { items: ["x"], raw_pos_min: [0, 2], raw_pos_max: [1, 2] };
  test.each<[string, () => unknown, string]>([
    ["samples: deviation 0", () => new data.MomentNormalizationSampleProcessor({ item: "x", mean: [1, 2], std: [1, 0] }), "MomentNormalizationSampleProcessor: expected finite means and deviations > 0, received 2 and 0 for channel 1"],
    ["samples: deviation of the logarithm", () => new data.MomentNormalizationSampleProcessor({ item: "x", logmean: [1], logstd: [-1], logscale: true }), "received 1 and -1"],
    ["batch: mean that is no number", () => new data.MomentNormalizationBatchProcessor({ items: ["x"], mean: [NaN], std: [1] }), "received NaN and 1"],
    ["samples: a flat box", () => new data.PositionNormalizationSampleProcessor(box), "PositionNormalizationSampleProcessor: expected raw_pos_max > raw_pos_min on every axis, received 2 and 2 on axis 1"],
    ["batch: a flat box", () => new data.PositionNormalizationBatchProcessor(box), "received 2 and 2 on axis 1"],
  ])("%s", (_, make, problem) => {
    expect(make).toThrow(ValueError);
    expect(make).toThrow(problem);
  }); // prettier-ignore
});

describe("batch processors", () => {
  test("statistics and corners of different lengths", () => {
    expect(() => new data.MomentNormalizationBatchProcessor({ items: [], mean: [1], std: [1, 2] })).toThrow(
      AssertionError,
    );
    expect(() => new data.PositionNormalizationBatchProcessor({ items: [], raw_pos_min: [1], raw_pos_max: [1, 2] })).toThrow(AssertionError); // prettier-ignore
  });
  test("the batch stays as it is, other keys too", () => {
    const [x, y] = [column(3), column(4)];
    const batch = { x, y };
    const moments = new data.MomentNormalizationBatchProcessor({ items: ["x"], mean: [1], std: [2] });
    expect(moments.process(batch)["y"]).toBe(y);
    expect([batch.x, numbersOf(x)]).toEqual([x, [3]]);
    expect(moments.denormalize("y", y)).toEqual(["y", y]);
    const positions = new data.PositionNormalizationBatchProcessor({
      items: ["x"],
      raw_pos_min: [0],
      raw_pos_max: [1],
    });
    expect(positions.denormalize("y", y)).toEqual(["y", y]);
    expect(new data.RenameKeysBatchProcessor({ key_map: { x: "z" } }).denormalize("y", y)).toEqual(["y", y]);
  });
  test("moments of something that is no matrix, there and back", () => {
    const processor = new data.MomentNormalizationBatchProcessor({ items: ["x"], mean: [1], std: [2] });
    expect(() => processor.denormalize("x", tensor([1]))).toThrow(AssertionError);
    expect(() => processor.process({ y: 1 })).toThrow(KeyError);
  });
  test("positions with three dimensions, and with too few", () => {
    const processor = new data.PositionNormalizationBatchProcessor({ items: ["x"], raw_pos_min: [2], raw_pos_max: [4], scale: 10 }); // prettier-ignore
    const y = processor.process({ x: tensor([[[2], [3]], [[4], [2]]]) })["x"] as Tensor; // prettier-ignore
    expect([y.shape, numbersOf(y)]).toEqual([
      [2, 2, 1],
      [0, 5, 10, 0],
    ]);
    expect(() => processor.process({ x: tensor([1]) })).toThrow(AssertionError);
  });
  test("moment normalization", () => {
    const processor = new data.MomentNormalizationBatchProcessor({ items: ["x"], mean: [1], std: [2] });
    const batch = processor.process({ x: column(3, 5) });
    expect(numbersOf(batch["x"])).toEqual([1, 2]);
    expect(numbersOf(processor.denormalize("x", batch["x"] as Tensor)[1])).toEqual([3, 5]);
    expect(() => processor.process({ x: tensor([1]) })).toThrow(AssertionError);
  });
  test("position normalization", () => {
    const processor = new data.PositionNormalizationBatchProcessor({
      items: ["x"],
      raw_pos_min: [2, 0],
      raw_pos_max: [3, 2],
    });
    const y = processor.process({
      x: tensor([
        [2, 1],
        [3, 2],
      ]),
    })["x"] as Tensor;
    expect(values(y)).toEqual([
      [0, 500],
      [1000, 1000],
    ]);
    expect(values(processor.denormalize("x", y)[1])).toEqual([
      [2, 1],
      [3, 2],
    ]);
  });
  test("rename", () => {
    const processor = new data.RenameKeysBatchProcessor({ key_map: { x: "y" } });
    const x = column(1);
    expect(processor.process({ x })).toEqual({ y: x });
    expect(processor.denormalize("y", x)).toEqual(["x", x]);
  });
});
