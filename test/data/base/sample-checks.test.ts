import { tensor, type Tensor } from "../../../lib/torch";
import { Dataset, DatasetFactory, PropertySubsetWrapper, type Sample, Subset } from "../../../lib/data";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { isAllFinite } from "../../../lib/data/base/finite-check";
import { register } from "../../../lib/config/registry";
import { ValueError } from "../../../lib/config/python-errors";
import { values } from "../support";

let output: jest.SpyInstance;
beforeEach(() => (output = jest.spyOn(process.stderr, "write").mockReturnValue(true)));
afterEach(() => output.mockRestore());
const warnings = () => output.mock.calls.map(([text]) => String(text)).join("");

/** Samples that a test fills in. */
class Given extends Dataset {
  reads = 0;
  constructor(
    readonly samples: readonly Record<string, unknown>[],
    config: Record<string, unknown> = {},
  ) {
    super(DatasetBaseConfig.create({ kind: "test.Given", ...config }));
    for (const key of Object.keys(samples[0]!)) {
      this.addGetter(
        key,
        (index) => {
          this.reads++;
          return this.samples[index]![key] as Tensor;
        },
        { normalize: key in (this.config.dataset_normalizers ?? {}) },
      );
    }
  }
  override get length(): number {
    return this.samples.length;
  }
  override sampleInfo(index: number) {
    return { sample_uri: `data/run_${index}` };
  }
}

const column = (...numbers: number[]) => tensor(numbers.map((x) => [x]));
const flat = (sample: Sample, key: string) => (values(sample[key]) as number[][]).flat();

describe("isAllFinite", () => {
  test.each<[string, Tensor, boolean]>([
    ["numbers", tensor([1, -2, 3e38]), true],
    ["numbers whose sum overflows", tensor([3e38, 3e38, 3e38]), true],
    ["16-bit numbers whose sum overflows", tensor([6e4, 6e4]).to("float16"), true],
    ["NaN", tensor([1, NaN]), false],
    ["infinity and its opposite", tensor([Infinity, -Infinity, 1]), false],
    ["NaN among 16-bit numbers", tensor([1, NaN]).to("bfloat16"), false],
    ["whole numbers", tensor([1n, 2n]), true],
    ["nothing", tensor([]), true],
    ["one number of no dimension", tensor(NaN), false],
  ])("%s", (_, x, expected) => expect(isAllFinite(x)).toBe(expected));
});

describe("NaN and infinite values", () => {
  const fine = { surface_position: column(1, 2, 3), surface_pressure: column(4, 5, 6), volume_pressure: column(7, 8, 9), t: tensor([1]) }; // prettier-ignore
  const broken = { ...fine, surface_pressure: column(4, NaN, Infinity) };

  test("are an error that names sample, file, property and count", async () => {
    const dataset = new Given([fine, broken]);
    await dataset.get(0);
    await expect(dataset.get(1)).rejects.toThrow(ValueError);
    await expect(dataset.get(1)).rejects.toThrow(
      `"surface_pressure" of sample 1 of Given ('data/run_1') has 1 NaN and 1 infinite among its 3 values; mend the file, or let the data set's config say non_finite: drop`,
    );
  });
  test("other properties at fault are named too", async () => {
    const dataset = new Given([{ a: tensor([NaN]), b: tensor([Infinity]), c: tensor([1]) }]);
    await expect(dataset.get(0)).rejects.toThrow(/"a" of .* has 1 NaN among its 1 values \(so have "b"\)/);
  });
  test("in a property that is not loaded do not matter", async () => {
    const dataset = new PropertySubsetWrapper(new Given([broken]), new Set(["surface_position"]));
    expect(flat(await dataset.get(0), "surface_position")).toEqual([1, 2, 3]);
  });
  test("drop: the points leave all properties of the domain", async () => {
    const dataset = new Given([fine, broken], { non_finite: "drop" });
    const sample = await dataset.get(1);
    expect(flat(sample, "surface_position")).toEqual([1]);
    expect(flat(sample, "surface_pressure")).toEqual([4]);
    expect(flat(sample, "volume_pressure")).toEqual([7, 8, 9]);
    expect(flat(await dataset.get(0), "surface_pressure")).toEqual([4, 5, 6]);
  });
  test("drop: a data set says which properties are of one domain", async () => {
    class Inner extends Given {
      protected override domainOf(key: string): string {
        return key.slice(0, key.lastIndexOf("_"));
      }
    }
    const sample = { rear_wing_p: column(1, NaN), rear_wing_x: column(3, 4), rear_wheel_p: column(5, 6) };
    const dropped = await new Inner([sample], { non_finite: "drop" }).get(0);
    expect(Object.keys(sample).map((key) => flat(dropped, key))).toEqual([[1], [3], [5, 6]]);
    const byFirstWord = await new Given([sample], { non_finite: "drop" }).get(0);
    expect(flat(byFirstWord, "rear_wheel_p")).toEqual([5]);
  });
  test("drop: tells of the first loss of each domain", async () => {
    const dataset = new Given([broken, broken], { non_finite: "drop" });
    for (const index of [0, 1, 1]) expect(flat(await dataset.get(index), "surface_pressure")).toEqual([4]);
    expect(warnings().match(/2 of 3 points of "surface" in sample 0 of Given .*"surface_pressure" not finite/g)).toHaveLength(1); // prettier-ignore
    expect(warnings()).not.toContain("sample 1");
  });
  test("drop: points of several properties at fault, and rows with many components", async () => {
    const sample = { s_a: tensor([[1, 1], [2, NaN], [3, 3]]), s_b: tensor([[[1]], [[2]], [[Infinity]]]), s_c: column(1, 2, 3) }; // prettier-ignore
    expect(flat(await new Given([sample], { non_finite: "drop" }).get(0), "s_c")).toEqual([1]);
  });
  test("drop: before values are normalized", async () => {
    const dataset_normalizers = {
      p_x: { kind: "noether.data.preprocessors.normalizers.PositionNormalizer", raw_pos_min: [0], raw_pos_max: [4] },
    };
    const dataset = new Given([{ p_x: column(1, Infinity, 2) }], { non_finite: "drop", dataset_normalizers });
    expect(flat(await dataset.get(0), "p_x")).toEqual([250, 500]);
  });
  test.each([
    ["nothing would be left", { s_a: column(NaN, 1), s_b: column(1, NaN) }],
    ["a number that is of no point", { s_a: tensor(NaN) }],
  ])("drop: %s", async (_, sample) => {
    await expect(new Given([sample], { non_finite: "drop" }).get(0)).rejects.toThrow(
      /has 1 NaN .*no point of "s" would be left/,
    );
  });
  test("keep: as they are", async () => {
    expect(flat(await new Given([broken], { non_finite: "keep" }).get(0), "surface_pressure")).toEqual([4, NaN, Infinity]); // prettier-ignore
  });
  test("are looked for before statistics, too", async () => {
    const dataset = new Given([broken]);
    dataset.computeStatistics = true;
    await expect(dataset.get(0)).rejects.toThrow("1 NaN");
  });
  test("a value that was in order is not read again for the check", async () => {
    const dataset = new Given([fine]);
    const sum = jest.spyOn(Object.getPrototypeOf(fine.t) as Tensor, "sum");
    try {
      await dataset.get(0);
      const calls = sum.mock.calls.length;
      expect(calls).toBe(4);
      await dataset.get(0);
      expect(sum.mock.calls.length).toBe(calls);
    } finally {
      sum.mockRestore();
    }
  });
  test("a policy that there is not", () => {
    expect(() => new Given([fine], { non_finite: "ignore" })).toThrow(/expected .*error.* or .*drop.* or .*keep/);
  });
  test("of a data set from a config", async () => {
    class One extends Given {
      constructor(config: Record<string, unknown>) {
        super([broken], config);
      }
    }
    register("test.One", { class: One, schema: DatasetBaseConfig });
    const dataset = new DatasetFactory().create(DatasetBaseConfig.create({ kind: "test.One", non_finite: "drop" }));
    expect(flat(await dataset.get(0), "surface_pressure")).toEqual([4]);
  });
});

describe("positions in the wrong unit", () => {
  const points = (scale: number) => tensor([[0, 0], [scale, scale / 2]]); // prettier-ignore
  const P = "noether.data.preprocessors.normalizers.PositionNormalizer";
  const M = "noether.data.preprocessors.normalizers.MeanStdNormalization";
  const readAll = async (samples: Record<string, unknown>[], config: Record<string, unknown> = {}) => {
    const dataset = new Given(samples, config);
    for (let index = 0; index < dataset.length; index++) await dataset.get(index);
    return warnings();
  };

  test("one sample in mm beside others in m", async () => {
    const text = await readAll([4.5, 4.6, 4500].map((scale) => ({ surface_position: points(scale) })));
    expect(text).toContain(
      `"surface_position" extends over 4.50e+3 in sample 2 of Given ('data/run_2'), but over 4.50 in sample 0 of Given ('data/run_0'): are they in the same unit (mm beside m)?`,
    );
  });
  test("two properties of one sample", async () => {
    const text = await readAll([{ surface_position: points(4500), volume_position: points(4.5) }]);
    expect(text).toMatch(/"volume_position" extends over 4\.50 in sample 0.*but "surface_position" over 4\.50e\+3/);
  });
  test("a body that is larger than the space around it, by less than that", async () => {
    const text = await readAll([{ surface_position: points(4500), volume_position: points(80) }]);
    expect(text).toMatch(/"volume_position" extends over 80\.0 in sample 0.*but "surface_position" over 4\.50e\+3/);
  });
  test("a space that is hundreds of times as large as the body is none of these", async () => {
    expect(await readAll([{ surface_position: points(1), volume_position: points(300) }])).toBe("");
  });
  test.each([
    ["mm beside a mean and deviation in m", { kind: M, mean: [0, 0], std: [1, 1] }, 4500],
    ["m beside a box in mm", { kind: P, raw_pos_min: [-5000], raw_pos_max: [5000] }, 4.5],
  ])("%s", async (_, normalizer, scale) => {
    const text = await readAll([{ position: points(scale) }], { dataset_normalizers: { position: normalizer } });
    expect(text).toMatch(/"position" extends over .* by the statistics of its normalizer/);
  });
  test("mm beside a box in m: the normalizer's error says it", async () => {
    const normalizer = { kind: P, raw_pos_min: [-5], raw_pos_max: [5] };
    const work = readAll([{ position: points(4500) }], { dataset_normalizers: { position: normalizer } });
    await expect(work).rejects.toThrow("are they in the unit of these two (mm beside m)?");
  });
  test("is told once", async () => {
    const text = await readAll([1, 1000, 1000].map((scale) => ({ position: points(scale) })));
    expect(text.match(/same unit/g)).toHaveLength(1);
  });
  test("bodies in a large far field, points in one place, fields that are no positions: nothing to tell", async () => {
    const samples = [1, 30].map((scale) => ({
      surface_position: points(scale),
      volume_position: points(500),
      inlet_position: points(0),
      pressure: points(scale === 1 ? 1 : 1e6),
    }));
    const normalizer = { kind: P, raw_pos_min: [-100], raw_pos_max: [500] };
    expect(await readAll(samples, { dataset_normalizers: { volume_position: normalizer } })).toBe("");
  });
});

test("where a sample comes from, through wrappers", () => {
  const dataset = new Given([{ a: tensor([1]) }, { a: tensor([2]) }]);
  expect(new Subset(new PropertySubsetWrapper(dataset, new Set(["a"])), [1]).sampleInfo(0)).toEqual({
    sample_uri: "data/run_1",
  });
});
