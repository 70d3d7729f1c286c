import { tensor, type Tensor } from "../../lib/torch";
import * as data from "../../lib/data";
import { AssertionError, KeyError, NotImplementedError, ValueError } from "../../lib/config/python-errors";
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
  test("keys of the first sample; a missing one is an error, a further one is left out", () => {
    expect(() => data.defaultCollate([{ x: 1 }, {}])).toThrow(KeyError);
    expect(Object.keys(data.defaultCollate([{ x: 1 }, { x: 2, y: 3 }]))).toEqual(["x"]);
  });
  test("shapes that do not fit name the key and both shapes", () => {
    expect(() => data.defaultCollate([{ x: tensor([1]) }, { x: tensor([1, 2]) }])).toThrow(/"x".*\(1\).*\(2\)/);
  });
  test("null cannot be collated", () => {
    expect(() => data.defaultCollate([{ x: null }])).toThrow(TypeError);
  });
});

describe("MultiStagePipeline", () => {
  test("double, collate, sum; the samples stay as they are", () => {
    const samples = [0, 1, 2].map((i) => ({ x: tensor([i]) }));
    const pipeline = new data.MultiStagePipeline({ sample_processors: [new Double()], batch_processors: [new Sum()] });
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
    expect((result["supernode_v"] as Tensor).shape).toEqual([num_supernodes, 1]);
  });
  test("most processors cannot be inverted", () => {
    expect(() => new data.RenameKeysSampleProcessor({ key_map: {} }).inverse("x", column(1))).toThrow(
      NotImplementedError,
    );
  });
});

describe("collators", () => {
  test("default, with optional items", () => {
    const collator = new data.DefaultCollator({ items: ["x"], optional_items: ["y"] });
    expect((collator.collate([{ x: column(1) }, { x: column(2) }])["x"] as Tensor).shape).toEqual([2, 1, 1]);
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

describe("batch processors", () => {
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
