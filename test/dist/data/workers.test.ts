/** Worker threads of the loader, on the built package: there a thread starts quickly. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { register, registered, validateConfig, type KindClass } from "noether-ts/config";
import { FileNotFoundError, RuntimeError } from "noether-ts/core";
import {
  createPipeline,
  DataContainer,
  datasetFromFile,
  DatasetBaseConfig,
  DatasetFactory,
  DataLoader,
  type DatasetProtocol,
  NoSourceError,
  TensorDataset,
} from "noether-ts/data";
import { getRngState, manualSeed, memory, ones, scope, setRngState, type Tensor } from "noether-ts/torch";
import { collectGarbage } from "../../support/collect-garbage";
import * as fixtures from "./fixtures/datasets";

const values = (x: unknown): unknown => (x as Tensor).toArray();

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

const FILE = join(__dirname, "fixtures", "datasets.ts");

// jest cannot load files of users in this thread; workers load them as a run does
for (const [name, value] of Object.entries(fixtures))
  if (typeof value === "function") register(`${FILE}#${name}`, { class: value as KindClass });

/** A data set of a config, as a run makes it. */
function fromConfig(config: Record<string, unknown> = {}): DatasetProtocol {
  const plain = {
    kind: `${FILE}#RandomDataset`,
    size: 11,
    pipeline: {
      kind: "noether.data.pipeline.MultiStagePipeline",
      sample_processors: [{ kind: `${FILE}#Shuffling` }],
    },
    dataset_wrappers: [{ kind: "noether.data.base.wrappers.ShuffleWrapper" }],
    ...config,
  };
  const validated = validateConfig(registered(DatasetBaseConfig), plain);
  const dataset = new DatasetFactory().create(validated);
  dataset.pipeline = createPipeline(validated.pipeline);
  return dataset;
}

/** Batches as plain values, without times and threads. */
async function batchesOf(container: DataContainer, options: object = {}, samples: number | null = 9): Promise<unknown[]> {
  const dataset = container.getDataset("train", null, samples);
  const batches = await collect(
    container.getDataLoader(dataset, { sampler: container.getMainSampler(dataset), batchSize: 2, ...options }),
  );
  await container.close();
  return batches.map((batch) =>
    Object.fromEntries(
      Object.entries(batch).flatMap(([key, value]) =>
        key.startsWith("__meta") || key === "thread" ? [] : [[key, values(value)]],
      ),
    ),
  );
}

test.each([1, 2, 4])("the same batches with %d workers as without", async (numWorkers) => {
  manualSeed(5);
  const dataset = fromConfig();
  const state = getRngState();
  const container = new DataContainer({ train: dataset });
  const expected = await batchesOf(container);
  expect(expected.length).toBe(5);
  setRngState(state);
  const threaded = new DataContainer({ train: dataset }, { numWorkers, prefetchFactor: 3 });
  expect(await batchesOf(threaded)).toEqual(expected);
});

describe("a DataLoader of a data set from a file", () => {
  const troubled = (length: number, troubles: Record<number, string> = {}) =>
    datasetFromFile<fixtures.Troubled>(`${FILE}#Troubled`, length, troubles);
  // with it workers load all batches, without it this thread loads until one of them has started
  const workerInit = `${FILE}#rememberWorker`;
  const options = { numWorkers: 1, batchSize: 2, workerInit };

  /** What a pass ends with. */
  async function failure(
    troubles: Record<number, string>,
    more: object = {},
  ): Promise<Error & Record<string, unknown>> {
    const loader = new DataLoader(await troubled(8, troubles), { ...options, ...more });
    return collect(loader).then(
      () => Promise.reject(new Error("expected a pass that fails")),
      (error: Error & Record<string, unknown>) => error,
    );
  }

  test("workers load, in the order of the data set, and share what they load", async () => {
    const loader = new DataLoader(await troubled(9), { ...options, numWorkers: 2 });
    const batches = await collect(loader);
    expect(batches.map(({ x }) => values(x))).toEqual([[[0], [1]], [[2], [3]], [[4], [5]], [[6], [7]], [[8]]]);
    const threads = batches.flatMap(({ thread }) => values(thread) as number[]);
    expect(threads).not.toContain(threadId);
    expect(new Set(threads).size).toBe(2);
  });

  test("this thread loads from the first batch on until a worker has started", async () => {
    const loader = new DataLoader(await troubled(1_000_000), { numWorkers: 2, batchSize: 2 });
    let expected = 0;
    let last = threadId;
    for await (const { x, thread } of loader) {
      expect(values(x)).toEqual([[expected], [expected + 1]]);
      last = (values(thread) as number[])[0]!;
      if (expected === 0) expect(last).toBe(threadId);
      expected += 2;
      if (last !== threadId) break;
    }
    expect(last).not.toBe(threadId);
  });

  test.each([
    ["range", RangeError, "sample 3: no such thing"],
    ["missing", FileNotFoundError, "sample 3: expected /data/7/p.npy, but there is none"],
  ])("an error of a worker keeps its class and names the sample: %s", async (trouble, type, message) => {
    const error = await failure({ 3: trouble });
    expect(error).toBeInstanceOf(type);
    expect([error.message, error["sampleIndex"]]).toEqual([message, 3]);
    expect(error.stack).toContain("datasets.ts");
  });

  test("an error of the file system keeps its code and names the file", async () => {
    const error = await failure({ 5: "fs" });
    expect(error).toMatchObject({ code: "ENOENT", path: "/nowhere/at/all.npy" });
    expect(error.message).toMatch(/^sample 5: .*\/nowhere\/at\/all\.npy/);
  });

  test("what is thrown and no error becomes one", async () => {
    expect(await failure({ 2: "string" })).toMatchObject({ name: "Error", message: "sample 2: thrown: a string" });
  });

  test("errors are the same without workers", async () => {
    const error = await failure({ 3: "missing" }, { numWorkers: 0, workerInit: null });
    expect(error).toBeInstanceOf(FileNotFoundError);
    expect([error.message, error["sampleIndex"]]).toEqual(["sample 3: expected /data/7/p.npy, but there is none", 3]);
  });

  test.each([
    ["exit", "DataLoader worker 0 exited unexpectedly (code 3) while it had samples 4, 5 to load"],
    ["uncaught", "DataLoader worker 0 exited unexpectedly (code 1) while it had samples 4, 5 to load: out of the blue"],
  ])("a worker that ends: %s", async (trouble, message) => {
    const error = await failure({ 4: trouble });
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error.message).toBe(message);
  });

  test("a worker that ends leaves no batch in memory, and a new pass starts new workers", async () => {
    const loader = new DataLoader(await troubled(8, { 6: "exit" }), { ...options, persistentWorkers: true });
    await collectGarbage({ memory });
    const before = memory().bytes;
    for (let pass = 0; pass < 2; pass++)
      await scope(async () => expect(collect(loader)).rejects.toThrow("exited unexpectedly"));
    await collectGarbage({ memory });
    expect(memory().bytes).toBeLessThanOrEqual(before);
    await loader.close();
  });

  test("what cannot go to another thread is refused by name", async () => {
    const collate = `${FILE}#first`;
    expect((await failure({ 2: "function" }, { collate })).message).toContain("the batch.x: a function cannot go");
    expect((await failure({ 2: "object" }, { collate })).message).toContain(
      "the batch.thread: an object of the class Troubled",
    );
  });

  test("a timeout", async () => {
    const error = await failure({ 2: "never" }, { timeout: 0.001 });
    expect([error.name, error.message]).toEqual([
      "RuntimeError",
      "the DataLoader timed out after 0.001 seconds without a batch",
    ]);
  });

  test("a pass that is left early ends its workers, also while they load, and frees what they have loaded", async () => {
    const loader = new DataLoader(await troubled(8, { 5: "never" }), options);
    await collectGarbage({ memory });
    const before = memory().bytes;
    await scope(async () => {
      for await (const { x } of loader) if ((values(x) as number[][])[0]![0] === 2) break;
    });
    expect(memory().bytes).toBeLessThanOrEqual(before);
  });

  test("collating and setting up by functions of a file", async () => {
    const collated = new DataLoader(await troubled(4), { ...options, collate: `${FILE}#sum` });
    expect((await collect(collated)).map(({ sum }) => values(sum))).toEqual([[1], [5]]);
    const numbered = new DataLoader(
      await datasetFromFile<{ length: number; get(): number }>(`${FILE}#workerNumbers`, 4),
      {
        numWorkers: 2,
        workerInit,
      },
    );
    expect(new Set((await collect(numbered)).flatMap((batch) => values(batch) as number[]))).toEqual(new Set([0, 1]));
  });

  test("a function cannot go to a worker, nor an object", async () => {
    const collate = (samples: readonly { x: Tensor }[]) => samples[0]!;
    await expect(collect(new DataLoader(await troubled(4), { ...options, collate }))).rejects.toThrow(
      "name it by its file, ./collate.ts#pad",
    );
    const made = collect(new DataLoader(new fixtures.Troubled(3, {}), options));
    await expect(made).rejects.toThrow(NoSourceError);
    await expect(made).rejects.toThrow('datasetFromFile("./file.ts#Troubled", …)');
  });
});

test("any number of workers and of batches ahead gives the same batches, also skipped ones", async () => {
  const dataset = fromConfig({ size: 23 });
  const options = { seed: 99n, sampler: [...Array(23).keys()].reverse() };
  const expected = await batchesOf(new DataContainer({ train: dataset }), options, null);
  const draw = (least: number, most: number): number => least + Math.floor(Math.random() * (most - least + 1));
  for (let round = 0; round < 4; round++) {
    const how = { numWorkers: draw(1, 3), prefetchFactor: draw(1, 5) };
    const skip = draw(0, 12);
    const batches = await batchesOf(new DataContainer({ train: dataset }, how), { ...options, skip }, null);
    expect({ ...how, skip, batches }).toEqual({ ...how, skip, batches: expected.slice(skip) });
  }
});

test("workers share what is cached on disk with each other and with later runs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "noether-cache-"));
  const log = join(folder, "reads");
  const cache = { kind: "noether.data.base.wrappers.CacheWrapper", disk: { path: join(folder, "cache"), size: "1MB" } };
  const dataset = fromConfig({ kind: `${FILE}#LoggingDataset`, log, pipeline: null, dataset_wrappers: [cache] });
  try {
    const options = { seed: 1n, sampler: [...Array(11).keys()] };
    const first = await batchesOf(new DataContainer({ train: dataset }, { numWorkers: 2 }), options, null);
    expect(await batchesOf(new DataContainer({ train: dataset }, { numWorkers: 1 }), options, null)).toEqual(first);
    expect(readFileSync(log, "utf8").length).toBe(11);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("a data set that workers cannot make", () => {
  class Registered extends fixtures.RandomDataset {}
  register("test.Registered", { class: Registered });
  const dataset = fromConfig({ kind: "test.Registered" });

  test("is an error where workers are asked for", async () => {
    // until a worker has said so, this process loads
    const large = fromConfig({ kind: "test.Registered", size: 1_000_000 });
    const loading = batchesOf(new DataContainer({ train: large }, { numWorkers: 1 }), {}, null);
    await expect(loading).rejects.toThrow(NoSourceError);
    await expect(loading).rejects.toThrow(/a worker thread cannot make the data set: .*"test.Registered"/);
  });

  test("is loaded here where they are not", async () => {
    const options = { seed: 99n, sampler: [...Array(9).keys()] };
    const clock = performance.now.bind(performance);
    let call = 0;
    const slow = jest.spyOn(performance, "now").mockImplementation(() => clock() + 1000 * call++);
    const batches = await batchesOf(new DataContainer({ train: dataset }, { numWorkers: null }), options);
    slow.mockRestore();
    expect(batches).toEqual(await batchesOf(new DataContainer({ train: dataset }), options));
  });
});

test("tensors of a TensorDataset and of its samples are shared, not copied", async () => {
  const x = ones([3, 2]);
  const dataset = new TensorDataset(x, ones([3]));
  const samples = await collect(new DataLoader<Tensor[], Tensor[]>(dataset, { batchSize: null, numWorkers: 1 }));
  samples[2]![0]!.fill_(7);
  expect(values(x)).toEqual([
    [1, 1],
    [1, 1],
    [7, 7],
  ]);
  const [batch] = await collect(new DataLoader(dataset, { batchSize: 3, numWorkers: 1 }));
  expect(batch!.map((part) => part.shape)).toEqual([[3, 2], [3]]);
});

describe("a process with workers", () => {
  const program = (body: string): string => `
    const { DataLoader, TensorDataset } = require("noether-ts/data");
    const { ones } = require("noether-ts/torch");
    const loader = new DataLoader(new TensorDataset(ones([64, 4])), { batchSize: 2, numWorkers: 2, persistentWorkers: true });
    (async () => { ${body} })();`;

  test.each([
    ["after whole passes", "for (let pass = 0; pass < 2; pass++) for await (const batch of loader);"],
    ["after a pass that is left", "for await (const batch of loader) break;"],
    ["with an iterator that nobody asks any more", "await loader[Symbol.asyncIterator]().next();"],
  ])("ends by itself %s", (_, body) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", program(`${body} console.log("done");`)], {
      cwd: join(__dirname, "..", "..", ".."),
      encoding: "utf8",
      timeout: 50_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "done\n", stderr: "" });
  });

  test("ends with SIGTERM while they load", async () => {
    const body = 'for (;;) for await (const batch of loader) process.stdout.write(".");';
    const child = spawn(process.execPath, ["-e", program(body)], { cwd: join(__dirname, "..", "..", "..") });
    child.stdout.once("data", () => child.kill("SIGTERM"));
    expect((await once(child, "exit"))[1]).toBe("SIGTERM");
  });
});
