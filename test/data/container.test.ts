import { countTensors, manualSeed, scope, type Tensor } from "../../lib/torch";
import { Collator, DataContainer, MultiStagePipeline, type DatasetProtocol } from "../../lib/data";
import { KeyError, ValueError } from "../../lib/config/python-errors";
import { drawSeed } from "../../lib/data/random/draw-seed";
import { collect, IndexDataset, values } from "./support";
import { collectGarbage } from "../support/collect-garbage";

beforeAll(collectGarbage);

const loaderOf = (container: DataContainer, dataset: DatasetProtocol, more: object = {}) =>
  container.getDataLoader(dataset, { batchSize: 4, dropLast: true, ...more });

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
  test("the random order is PyTorch's, base seed of the loader included", async () => {
    manualSeed(0);
    const container = new DataContainer({ train: new IndexDataset(10) });
    const dataset = container.getDataset("train");
    const loader = loaderOf(container, dataset, { sampler: container.getMainSampler(dataset), batchSize: 5 });
    drawSeed(); // the base seed of PyTorch's loader
    // Python: torch.manual_seed(0); loader = DataLoader(range(10), batch_size=5, shuffle=True), then two epochs of one
    // iterator over RandomSampler with the loader's base seed drawn once
    const batches = [...(await collect(loader)), ...(await collect(loader))];
    expect(batches.flatMap((batch) => values(batch["index"]))).toEqual([
      6, 7, 1, 4, 2, 0, 9, 8, 3, 5, 3, 5, 0, 6, 1, 2, 4, 9, 7, 8,
    ]);
  });
  test("a pass in the order of the data set draws nothing", async () => {
    manualSeed(3);
    const container = new DataContainer({ train: new IndexDataset(2) });
    await collect(loaderOf(container, container.getDataset("train")));
    const order = [...container.getMainSampler(new IndexDataset(50))];
    manualSeed(3);
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
});
