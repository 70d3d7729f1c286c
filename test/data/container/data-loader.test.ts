import { DataLoader, MultiStagePipeline, type Sample } from "../../../lib/data";
import { ValueError } from "../../../lib/config/python-errors";
import { collect, IndexDataset, values } from "../support";

const indices = async (loader: DataLoader<Sample>) => (await collect(loader)).map((batch) => values(batch["index"]));

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
  test("without a pipeline every key is stacked; a pipeline has to give a mapping", async () => {
    const dataset = new IndexDataset(2);
    expect(values((await collect(new DataLoader(dataset, { batchSize: 2 })))[0]!["x"])).toEqual([[0], [1]]);
    const wrong = { length: 1, pipeline: () => 7 as never, get: () => ({}) };
    await expect(collect(new DataLoader(wrong, { batchSize: 1 }))).rejects.toThrow("expected a mapping");
  });
  test("seconds of loading are those of all samples, and no property of a sample", async () => {
    const dataset = {
      length: 2,
      pipeline: new MultiStagePipeline(),
      get: (index: number) => ({ index, __meta_time_getitem: 0.25 }),
    };
    const [batch] = await collect(new DataLoader(dataset, { batchSize: 2 }));
    expect(batch!["__meta_time_getitem"]).toBe(0.5);
    expect(Object.keys(batch!).sort()).toEqual(["__meta_time_collate", "__meta_time_getitem", "index"]);
  });
  test.each([0, -1, 1.5, NaN])("a batch size of %d is refused", (batchSize) =>
    expect(() => new DataLoader(new IndexDataset(2), { batchSize })).toThrow(ValueError),
  );
});
