import { cat, countTensors, Generator, manualSeed, rand, scope, type Tensor } from "../../lib/torch";
import { Collator, DataContainer, MultiStagePipeline, type DatasetProtocol } from "../../lib/data";
import { KeyError, ValueError } from "../../lib/config/python-errors";
import { LogLevel, rootLogger } from "../../lib/core/logging";
import { drawSeed } from "../../lib/data/random/draw-seed";
import { collect, IndexDataset, values } from "./support";
import { collectGarbage } from "../support/collect-garbage";

beforeAll(collectGarbage);

const loaderOf = (container: DataContainer, dataset: DatasetProtocol, more: object = {}) =>
  container.getDataLoader(dataset, { batchSize: 4, dropLast: true, ...more });

/** Samples of random numbers. */
class RandomDataset extends IndexDataset {
  constructor(size: number) {
    super(size);
    this.addGetter("x", async () => {
      const x = rand([2]);
      await new Promise((resolve) => setImmediate(resolve));
      return cat([x, rand([2])]);
    });
  }
}

describe("DataContainer", () => {
  test("the first data set is the training set where none is called so", () => {
    const first = new IndexDataset(3);
    expect(new DataContainer({ a: first, b: new IndexDataset(4) }).datasets.get("train")).toBe(first);
  });
  test("no data sets", () => {
    expect(() => new DataContainer({})).toThrow(ValueError);
  });
  test("an unknown name suggests the nearest", () => {
    expect(() => new DataContainer({ train: new IndexDataset(1) }).getDataset("trian")).toThrow(KeyError);
    expect(() => new DataContainer({ train: new IndexDataset(1) }).getDataset("trian")).toThrow(/"train"/);
  });
  test("shuffled, then cut, then restricted", async () => {
    const container = new DataContainer({ train: new IndexDataset(10, ["x", "y"]) });
    const dataset = container.getDataset("train", new Set(["x"]), 2, 0);
    const samples = await collect(dataset);
    expect(samples.map((sample) => values(sample["x"]))).toEqual([[4], [6]]); // NumPy's order for seed 0
    expect(Object.keys(samples[0]!)).toEqual(["x", "__meta_time_getitem"]);
  });
  test("batches are collated by the data set's pipeline and carry their times", async () => {
    const container = new DataContainer({ train: new IndexDataset(10) });
    const dataset = container.getDataset("train");
    dataset.pipeline = new MultiStagePipeline();
    const batches = await collect(loaderOf(container, dataset));
    expect(batches.map((batch) => values(batch["index"]))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    expect(batches[0]!["__meta_time_getitem"]).toBeGreaterThanOrEqual(0);
    expect(batches[0]!["__meta_time_collate"]).toBeGreaterThanOrEqual(0);
  });
  test("every data set is collated by its own pipeline", async () => {
    class Marking extends Collator {
      override collate(): Record<string, unknown> {
        return { marked: true };
      }
    }
    const container = new DataContainer({ train: new IndexDataset(4), val: new IndexDataset(2) });
    const val = container.getDataset("val");
    val.pipeline = new Marking();
    const marked = async (dataset: DatasetProtocol) =>
      (await collect(loaderOf(container, dataset, { dropLast: false }))).map((batch) => "marked" in batch);
    expect([await marked(container.getDataset("train")), await marked(val)]).toEqual([[false], [true]]);
  });
  test("the random order is PyTorch's, the loader's base seed first", async () => {
    manualSeed(0);
    const container = new DataContainer({ train: new IndexDataset(10) });
    const dataset = container.getDataset("train");
    const loader = loaderOf(container, dataset, {
      sampler: container.getMainSampler(dataset),
      batchSize: 5,
      seed: drawSeed(),
    });
    // Python: torch.manual_seed(0); loader = DataLoader(range(10), batch_size=5, shuffle=True), then two epochs of one
    // iterator over RandomSampler with the loader's base seed drawn once
    const batches = [...(await collect(loader)), ...(await collect(loader))];
    expect(batches.flatMap((batch) => values(batch["index"]))).toEqual([
      6, 7, 1, 4, 2, 0, 9, 8, 3, 5, 3, 5, 0, 6, 1, 2, 4, 9, 7, 8,
    ]);
  });
  test("a pass in the order of the data set draws one seed, whatever its samples draw", async () => {
    manualSeed(3);
    const container = new DataContainer({ train: new RandomDataset(2) });
    await collect(loaderOf(container, container.getDataset("train")));
    const order = [...container.getMainSampler(new IndexDataset(50))];
    manualSeed(3);
    drawSeed();
    expect([...container.getMainSampler(new IndexDataset(50))]).toEqual(order);
  });
  test("only the batch outlives loading", async () => {
    const container = new DataContainer({ train: new IndexDataset(8) });
    const iterator = loaderOf(container, container.getDataset("train"))[Symbol.asyncIterator]();
    const before = countTensors();
    await scope(async () => {
      const { value } = (await iterator.next()) as { value: { x: Tensor } };
      expect(countTensors() - before).toBe(2); // x and index
      expect(value.x.shape).toEqual([4, 1]);
    });
    expect(countTensors()).toBe(before);
  });
  test("the random numbers of a batch depend on its seed alone", async () => {
    const container = new DataContainer({ train: new RandomDataset(4) });
    const dataset = container.getDataset("train");
    const draws = async (more: object) =>
      (await collect(container.getDataLoader(dataset, { batchSize: 1, ...more }))).map(({ x }) => values(x));
    const whole = await draws({ seed: 7n });
    expect(new Set(whole.map((x) => JSON.stringify(x))).size).toBe(4);
    // interleaved with another pass, and with numbers that others draw
    const [again] = await Promise.all([draws({ seed: 7n }), draws({ seed: 8n }), (async () => void rand([3]))()]);
    expect(again).toEqual(whole);
    expect(await draws({ seed: 7n, skip: 2 })).toEqual(whole.slice(2));
  });
  test("batch 0 of a run draws what worker 0 of PyTorch's loader draws", async () => {
    // Python: run seed 42, DataLoader with a generator of that seed and one worker; torch.rand(1) in the first __getitem__
    const container = new DataContainer({ train: new RandomDataset(1) });
    const seed = drawSeed(new Generator().manualSeed(42));
    const [batch] = await collect(container.getDataLoader(container.getDataset(), { batchSize: 1, seed }));
    expect((values(batch!["x"]) as number[][])[0]![0]).toBeCloseTo(0.245882, 6);
  });
  test("batches that are skipped are not loaded, and their order is drawn at once", async () => {
    const loaded: number[] = [];
    const dataset = { length: 6, pipeline: null, get: (index: number) => (loaded.push(index), { index }) };
    const container = new DataContainer({ train: new IndexDataset(1) });
    const sampler = [5, 3, 1, 0, 2, 4];
    await collect(container.getDataLoader(dataset, { batchSize: 2, sampler, skip: 2 }));
    expect(loaded).toEqual([2, 4]);
  });
  test("seconds of loading are those of all samples, and no property of a sample", async () => {
    const dataset = {
      length: 2,
      pipeline: new MultiStagePipeline(),
      get: (index: number) => ({ index, __meta_time_getitem: 0.25 }),
    };
    const container = new DataContainer({ train: new IndexDataset(1) });
    const [batch] = await collect(container.getDataLoader(dataset, { batchSize: 2 }));
    expect(batch!["__meta_time_getitem"]).toBe(0.5);
    expect(Object.keys(batch!).sort()).toEqual(["__meta_time_collate", "__meta_time_getitem", "index"]);
  });
  test("a pipeline has to give a mapping", async () => {
    const wrong = { length: 1, pipeline: () => 7 as never, get: () => ({}) };
    const container = new DataContainer({ train: new IndexDataset(1) });
    await expect(collect(container.getDataLoader(wrong, { batchSize: 1 }))).rejects.toThrow("expected a mapping");
  });
  test("without a number of workers, data that no worker can make is loaded here, which is said once", async () => {
    const slow = new IndexDataset(12);
    const busy = performance.now.bind(performance);
    let turn = 0;
    const clock = jest.spyOn(performance, "now").mockImplementation(() => busy() + 1000 * turn++);
    const lines: string[] = [];
    const handlers = rootLogger().handlers;
    rootLogger().handlers = [{ level: LogLevel.INFO, handle: ({ message }) => lines.push(message) }];
    try {
      const container = new DataContainer({ train: slow }, { numWorkers: null });
      expect((await collect(container.getDataLoader(slow, { batchSize: 1 }))).length).toBe(12);
    } finally {
      rootLogger().handlers = handlers;
      clock.mockRestore();
    }
    expect(lines).toEqual([
      expect.stringContaining("loaded in the process that uses them: a worker thread cannot make"),
    ]);
  });
});
