import { Collator, DataLoader, type DataLoaderOptions, type Sample, TensorDataset } from "../../../lib/data";
import { Generator, manualSeed, ones, tensor } from "../../../lib/torch";
import { ValueError } from "../../../lib/config/python-errors";
import { collect, IndexDataset, values } from "../support";

const indices = async (loader: DataLoader<Sample>) => (await collect(loader)).map((batch) => values(batch["index"]));

/** What PyTorch 2.13 gives, see below. */
const ORDERS = {
  default: [
    [6, 7, 1, 4, 2],
    [0, 9, 8, 3, 5],
    [2, 4, 7, 0, 8],
    [9, 5, 3, 6, 1],
  ],
  generator: [
    [7, 4, 2, 9, 1],
    [5, 0, 8, 6, 3],
    [1, 2, 0, 5, 9],
    [4, 8, 3, 6, 7],
  ],
};

describe("DataLoader", () => {
  test("without a sampler: the order of the data set, the last batch as it is", async () => {
    const loader = new DataLoader(new IndexDataset(5), { batchSize: 2 });
    expect(await indices(loader)).toEqual([[0, 1], [2, 3], [4]]);
    expect(loader.length).toBe(3);
  });
  test("dropLast leaves out a batch that is not full", async () => {
    const loader = new DataLoader(new IndexDataset(5), { batchSize: 2, dropLast: true });
    expect(await indices(loader)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(loader.length).toBe(2);
  });
  test("every pass asks the sampler for its order anew", async () => {
    let pass = 0;
    const sampler = { length: 2, [Symbol.iterator]: () => (pass++ === 0 ? [3, 1] : [0, 2])[Symbol.iterator]() };
    const loader = new DataLoader(new IndexDataset(4), { sampler, batchSize: 2 });
    expect([await indices(loader), await indices(loader)]).toEqual([[[3, 1]], [[0, 2]]]);
  });
  test("an order is read only as far as batches are asked for", async () => {
    const taken: number[] = [];
    const sampler = {
      length: 4,
      *[Symbol.iterator]() {
        for (let index = 0; index < 4; index++) {
          taken.push(index);
          yield index;
        }
      },
    };
    const iterator = new DataLoader(new IndexDataset(4), { sampler, batchSize: 2 })[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    expect(taken).toEqual([0, 1]);
  });
  test("the data set's pipeline collates, else PyTorch's default collate, else what is given", async () => {
    const dataset = new IndexDataset(2);
    expect(values((await collect(new DataLoader(dataset, { batchSize: 2 })))[0]!["x"])).toEqual([[0], [1]]);
    dataset.pipeline = new (class extends Collator {
      override collate = () => ({ marked: true });
    })();
    expect(await collect(new DataLoader(dataset, { batchSize: 2 }))).toEqual([{ marked: true }]);
    const collate = (samples: readonly Sample[]) => samples.map(({ index }) => index);
    expect(await collect(new DataLoader(dataset, { batchSize: 2, collate }))).toEqual([[0, 1]]);
  });
  test("anything with a length and get(index) is a data set", async () => {
    const numbers = { length: 3, get: (index: number) => Promise.resolve(index / 2) };
    const [batch] = await collect(new DataLoader(numbers, { batchSize: 3 }));
    expect([values(batch), batch!.dtype]).toEqual([[0, 0.5, 1], "float64"]);
  });
  test("tensors: a sample is the list of their rows", async () => {
    const dataset = new TensorDataset(tensor([[1], [2], [3]]), tensor([4, 5, 6]));
    const [batch] = await collect(new DataLoader(dataset, { batchSize: 2 }));
    expect(batch!.map(values)).toEqual([
      [[1], [2]],
      [4, 5],
    ]);
    expect(() => new TensorDataset(ones([2]), ones([3]))).toThrow(ValueError);
  });
  test("batchSize null: samples one by one, not collated", async () => {
    const loader = new DataLoader<Sample, Sample>(new IndexDataset(3), { batchSize: null });
    expect((await collect(loader)).map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(loader.length).toBe(3);
  });
  test("batches of a batchSampler", async () => {
    const loader = new DataLoader(new IndexDataset(4), { batchSampler: [[3], [0, 1]] });
    expect([await indices(loader), loader.length]).toEqual([[[3], [0, 1]], 2]);
  });
  test("shuffled orders are PyTorch's, pass after pass", async () => {
    manualSeed(0);
    const shuffled = new DataLoader(new IndexDataset(10), { batchSize: 5, shuffle: true });
    // Python: torch.manual_seed(0); loader = DataLoader(range(10), batch_size=5, shuffle=True); two passes
    expect([...(await indices(shuffled)), ...(await indices(shuffled))]).toEqual(ORDERS.default);
    // generator=torch.Generator().manual_seed(3)
    const seeded = { batchSize: 5, shuffle: true };
    const own = new DataLoader(new IndexDataset(10), { ...seeded, generator: new Generator().manualSeed(3) });
    expect([...(await indices(own)), ...(await indices(own))]).toEqual(ORDERS.generator);
    expect(await indices(new DataLoader(new IndexDataset(10), { ...seeded, seed: 3 }))).toEqual(
      ORDERS.generator.slice(0, 2),
    );
  });
  test.each([0, -1, 1.5, NaN])("a batch size of %d is refused", (batchSize) =>
    expect(() => new DataLoader(new IndexDataset(2), { batchSize })).toThrow(ValueError),
  );
  const senseless: [DataLoaderOptions<Sample>, string][] = [
    [{ numWorkers: -1 }, "numWorkers >= 0, received -1"],
    [{ timeout: -1, numWorkers: 1 }, "timeout of at least 0"],
    [{ prefetchFactor: 0, numWorkers: 1 }, "prefetchFactor of at least 1, received 0"],
    [{ prefetchFactor: 2 }, "prefetchFactor needs workers"],
    [{ persistentWorkers: true }, "persistentWorkers needs workers"],
    [{ workerInit: "./a.ts#b" }, "workerInit needs workers"],
    [{ timeout: 1 }, "timeout needs workers"],
    [{ sampler: [1], shuffle: true }, "either a sampler or shuffle"],
    [{ generator: new Generator(), seed: 1 }, "either a generator or a seed"],
    [{ batchSampler: [[1]], batchSize: 2 }, "batchSampler excludes"],
    [{ batchSize: null, dropLast: true }, "dropLast needs a batchSize"],
  ];
  test.each(senseless.map(([options, message]) => ({ options, message })))("$message", ({ message, options }) => {
    const construct = () => new DataLoader(new IndexDataset(2), options);
    expect(construct).toThrow(ValueError);
    expect(construct).toThrow(message);
  });
  test("an unknown option suggests the nearest", () => {
    const options = { num_workers: 2, numWorker: 1 };
    expect(() => new DataLoader(new IndexDataset(2), options as object)).toThrow(
      /no option "num_workers".*"numWorkers"/,
    );
  });
});
