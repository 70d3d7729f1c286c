import { countTensors, tensor, type Tensor } from "../../../lib/torch";
import {
  computeStatistics,
  type ComputeStatisticsOptions,
  Dataset,
  DatasetFactory,
  PropertySubsetWrapper,
  RepeatWrapper,
  Subset,
} from "../../../lib/data";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { register } from "../../../lib/config/registry";
import { ValueError } from "../../../lib/config/python-errors";
import { collectGarbage } from "../../support/collect-garbage";
import { values } from "../support";

beforeAll(collectGarbage);

const kind = "noether.data.preprocessors.normalizers.MeanStdNormalization";

/** Sample i: p (i + 1, 1) and v (2, 3), all of value i; p is normalized. */
class Fields extends Dataset {
  broken = new Map<string, unknown>();
  reading = 0;
  mostAtOnce = 0;
  constructor(config: Record<string, unknown> = {}) {
    super(DatasetBaseConfig.create({ kind: "test", dataset_normalizers: { p: { kind, mean: 5, std: 5 } }, ...config }));
    this.addGetter("v", (index) => tensor([[index, index, index], [index, index, index]])); // prettier-ignore
    this.addGetter("p", (index) => this.read(index), { normalize: true });
  }
  async read(index: number): Promise<Tensor> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.reading);
    await new Promise((resolve) => setImmediate(resolve));
    this.reading--;
    const broken = this.broken.get(`p${index}`);
    if (broken instanceof Error) throw broken;
    return (broken ?? tensor(Array.from({ length: index + 1 }, () => [index]))) as Tensor;
  }
  override get length(): number {
    return 4;
  }
}
register("test.Fields", { class: Fields, schema: DatasetBaseConfig });

const compute = async (dataset: Parameters<typeof computeStatistics>[0], options: ComputeStatisticsOptions = {}) =>
  Object.fromEntries([...(await computeStatistics(dataset, options))].map(([key, moments]) => [key, moments.dump()]));

// p has 0 once, 1 twice, 2 three times, 3 four times: mean 2, sum of squared deviations 10
test("every field of every sample, as stored", async () => {
  const { p, v } = await compute(new Fields());
  expect(p).toMatchObject({ mean: [2], min: [0], max: [3], count: 10 });
  expect(p!.var[0]).toBeCloseTo(10 / 9, 12);
  expect(v).toMatchObject({ mean: [1.5, 1.5, 1.5], count: 8 });
});

test("the normalizers work again afterwards, also after an error", async () => {
  const dataset = new Fields();
  await compute(dataset);
  expect(values(await dataset.getitem("p", 0))).toEqual([[-1]]);
  await expect(compute(dataset, { exclude: ["p"], onSample: () => expect(1).toBe(2) })).rejects.toThrow();
  expect(values(await dataset.getitem("p", 0))).toEqual([[-1]]);
});

test("stored values through wrappers of every kind", async () => {
  const wrapped = new RepeatWrapper({ repetitions: 2 }, new Subset(new Fields(), [3]));
  expect((await compute(wrapped))["p"]).toMatchObject({ mean: [3], count: 8 });
  const built = new DatasetFactory().create(
    DatasetBaseConfig.create({ kind: "test.Fields", excluded_properties: ["v"] }),
  );
  expect(Object.keys(await compute(built))).toEqual(["p"]);
  expect(Object.keys(await compute(new PropertySubsetWrapper(new Fields(), new Set(["index", "v"]))))).toEqual(["v"]);
});

test("fields that are left out, fields on the log scale", async () => {
  const { p, ...others } = await compute(new Fields(), { exclude: ["v"], logScale: ["p"] });
  expect(others).toEqual({});
  expect(p!.max[0]).toBeCloseTo(Math.log(4), 12);
});

test.each([[{ exclude: ["w"] }], [{ logScale: ["w"] }], [{ exclude: ["p"], logScale: ["p"] }]])(
  "%j: an unknown field is an error that lists the known ones",
  async (options) => {
    await expect(compute(new Fields(), options)).rejects.toThrow(ValueError);
    await expect(compute(new Fields(), options)).rejects.toThrow(/expected fields of Fields, received "[wp]"; .*"v"/);
  },
);

test("samples read ahead change nothing but how many are read at a time", async () => {
  const [one, many] = [new Fields(), new Fields()];
  expect(await compute(many, { ahead: 2 })).toEqual(await compute(one));
  expect([one.mostAtOnce, many.mostAtOnce]).toEqual([1, 3]);
});

test.each<[string, unknown, RegExp]>([
  ["no tensor", [1, 2], /"p" of sample 2 of Fields: expected a tensor/],
  ["other channels", tensor([[1, 2]]), /"p" of sample 2 of Fields: expected 1 channels as before, received 2/],
  ["a failure", new RangeError("cannot read"), /cannot read/],
])("%s: an error, and no sample is left out", async (_, broken, problem) => {
  const dataset = new Fields();
  dataset.broken.set("p2", broken);
  await expect(compute(dataset, { ahead: 3 })).rejects.toThrow(problem);
  expect(dataset.reading).toBe(0);
});

test("no samples, no fields", async () => {
  await expect(compute(new Subset(new Fields(), []))).rejects.toThrow("received an empty data set");
  await expect(compute(new Fields(), { exclude: ["p", "v"] })).rejects.toThrow("received none");
});

test("a signal ends the work between two samples", async () => {
  const abort = new AbortController();
  const seen: number[] = [];
  const work = compute(new Fields(), {
    signal: abort.signal,
    onProgress: (done, total) => {
      seen.push(done);
      expect(total).toBe(4);
      if (done === 2) abort.abort(new Error("enough"));
    },
  });
  await expect(work).rejects.toThrow("enough");
  expect(seen).toEqual([1, 2]);
});

test("tensors of samples are freed", async () => {
  const dataset = new Fields();
  await compute(dataset);
  const before = countTensors();
  await compute(dataset, { ahead: 2 });
  expect(countTensors()).toBe(before);
});
