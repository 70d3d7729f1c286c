import { existsSync } from "node:fs";

import { isFloatEntry, load, tensor, toMap } from "../../../lib/torch";
import { setDistributedConfig } from "../../../lib/core/distributed";
import { MetricPropertyProvider, PathProvider } from "../../../lib/core/providers";
import { BaseTracker } from "../../../lib/core/trackers";
import { getLogger, Logger } from "../../../lib/core/logging";
import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { LogWriter } from "../../../lib/core/writers";
import { temporaryFolder } from "../../support/small-run";

class Recorder extends BaseTracker {
  readonly logged: object[] = [];
  protected override initBackend(): void {}
  protected override logBackend(data: Readonly<Record<string, unknown>>): void {
    this.logged.push({ ...data });
  }
  protected override updateSummaryBackend(): void {}
  protected override closeBackend(): void {}
}

let folder: ReturnType<typeof temporaryFolder>;
let counter: UpdateCounter;
let tracker: Recorder;
let writer: LogWriter;
beforeEach(() => {
  folder = temporaryFolder();
  const pathProvider = new PathProvider({ outputRootPath: folder.path, runId: "run" });
  counter = new UpdateCounter({
    startIteration: new TrainingIteration(0, 0, 0),
    endIteration: new TrainingIteration(5),
    updatesPerEpoch: 10,
    effectiveBatchSize: 4,
  });
  tracker = new Recorder({ metricPropertyProvider: new MetricPropertyProvider(), pathProvider });
  writer = new LogWriter({ pathProvider, updateCounter: counter, tracker });
});
afterEach(() => {
  setDistributedConfig(null);
  folder.remove();
});

test("the first value stamps the entry", () => {
  writer.addScalar("loss", tensor(0.5));
  writer.addScalar("count", tensor(3n));
  writer.addScalar("name/", 1);
  expect(writer.logCache).toEqual({ epoch: 0, update: 0, sample: 0, loss: 0.5, count: 3, name: 1 });
  expect(Object.keys(writer.logCache ?? {}).slice(0, 3)).toEqual(["epoch", "update", "sample"]);
});

test("a key is logged once per update", () => {
  writer.addScalar("loss", 1);
  expect(() => writer.addScalar("loss", 2)).toThrow("already logged");
  expect(() => writer.addScalar("epoch", 2)).toThrow("already logged");
});

describe("a scope", () => {
  const read = () => toMap(load(writer.pathProvider.basetrackerEntriesUri));

  test("writes at its end what was logged", async () => {
    const result = await writer.scope(async () => {
      writer.addScalar("loss", 1);
      return Promise.resolve("done");
    });
    expect(result).toBe("done");
    expect(toMap(read().get("loss"))).toEqual(new Map([[0, 1]]));
  });

  test("writes it after an error too, and throws the error", async () => {
    const work = writer.scope(async () => {
      writer.addScalar("loss", 1);
      return Promise.reject(new RangeError("no"));
    });
    await expect(work).rejects.toThrow(RangeError);
    expect(toMap(read().get("loss"))).toEqual(new Map([[0, 1]]));
  });
});

test("more than one number is refused", () => expect(() => writer.addScalar("x", tensor([1, 2]))).toThrow("shape [2]"));

test("metrics with a logger are shown, as asked for or with five digits, and stand in full among the details", () => {
  const logger = getLogger("test");
  const debug = jest.spyOn(logger, "debug").mockImplementation();
  writer.addScalar("a", 1.23456, { logger, formatStr: ".2f" });
  writer.addScalar("b", 0.123456789, { logger });
  writer.addScalar("c", tensor(2n), { logger });
  writer.addScalar("silent", 3);
  expect(debug.mock.calls.map(([line]) => line)).toEqual(["a: 1.23456", "b: 0.123456789", "c: 2"]);
  expect(writer.takeShown()).toEqual([
    ["a", "1.23"],
    ["b", "0.12346"],
    ["c", "2"],
  ]);
  expect(writer.takeShown()).toEqual([]);
});

test("flush shows in one line what no line of progress has shown", async () => {
  const info = jest.spyOn(Logger.prototype, "info").mockImplementation();
  for (const [key, value] of Object.entries({ a: 1, b: 0.5 }))
    writer.addScalar(key, value, { logger: getLogger("test") });
  await writer.flush();
  await writer.flush();
  expect(info.mock.calls).toEqual([["a 1  b 0.5"]]);
  info.mockRestore();
});

test("flush hands everything to the tracker and keeps the numbers", async () => {
  writer.addScalar("loss", 1);
  writer.addNonscalar("histogram", [1, 2]);
  await writer.flush();
  expect(tracker.logged).toEqual([{ epoch: 0, update: 0, sample: 0, loss: 1, histogram: [1, 2] }]);
  expect(writer.logEntries).toEqual([{ epoch: 0, update: 0, sample: 0, loss: 1 }]);
  await writer.flush();
  expect(writer.logEntries).toHaveLength(1);
});

test("what is logged later at the same update joins its entry", async () => {
  writer.addScalar("a", 1);
  await writer.flush();
  writer.addScalar("b", 2);
  await writer.flush();
  expect(writer.logEntries).toEqual([{ epoch: 0, update: 0, sample: 0, a: 1, b: 2 }]);
});

test("entries.th: a series by update for each metric", async () => {
  writer.addScalar("loss", 1);
  await writer.flush();
  counter.nextUpdate();
  counter.addSamples(4);
  writer.addScalar("loss", 0.5);
  writer.addScalar("other", 3);
  await writer.flush();
  writer.finish();
  const entries = load(writer.pathProvider.basetrackerEntriesUri) as Record<string, Map<number, number>>;
  expect(Object.keys(entries)).toEqual(["epoch", "sample", "loss", "other"]);
  expect(toMap(entries["loss"])).toEqual(new Map([[0, 1], [1, 0.5]])); // prettier-ignore
  expect(toMap(entries["sample"])).toEqual(new Map([[0, 0], [1, 4]])); // prettier-ignore
  expect(isFloatEntry(entries["loss"] as object, 0)).toBe(true);
  expect(isFloatEntry(entries["sample"] as object, 0)).toBe(false);
  expect(writer.getAllMetricValues("other")).toEqual([3]);
});

test("only the first process writes, and only if there is something", async () => {
  writer.finish();
  writer.addScalar("loss", 1);
  await writer.flush();
  setDistributedConfig({ getRank: () => 1, getWorldSize: () => 2, getNumNodes: () => 1 });
  writer.finish();
  expect(existsSync(writer.pathProvider.basetrackerEntriesUri)).toBe(false);
});

test("the tracker's summary has best and last of every metric that has a better", async () => {
  for (const loss of [3, 1, 2]) {
    writer.addScalar("loss/val", loss);
    writer.addScalar("accuracy", loss);
    writer.addScalar("optim/lr", loss);
    await writer.flush();
    counter.nextUpdate();
  }
  writer.finish();
  await tracker.summarizeLogvalues();
  expect(tracker.summary).toEqual({ "loss/val/min": 1, "loss/val/last": 2, "accuracy/max": 3, "accuracy/last": 2 });
});

test.each([
  ["first", [NaN, 2, 1], { "loss/min": 1, "loss/last": 1, "accuracy/max": 2, "accuracy/last": 1 }],
  ["in the middle", [3, NaN, 2], { "loss/min": 2, "loss/last": 2, "accuracy/max": 3, "accuracy/last": 2 }],
  ["last", [1, 2, NaN], { "loss/min": 1, "loss/last": NaN, "accuracy/max": 2, "accuracy/last": NaN }],
  ["always", [NaN, NaN], { "loss/last": NaN, "accuracy/last": NaN }],
  [
    "beside infinity",
    [NaN, Infinity, NaN, 5],
    { "loss/min": 5, "loss/last": 5, "accuracy/max": Infinity, "accuracy/last": 5 },
  ],
])("NaN that comes %s is not the best value", async (_, values, expected) => {
  for (const value of values) {
    writer.addScalar("loss", value);
    writer.addScalar("accuracy", value);
    await writer.flush();
    counter.nextUpdate();
  }
  writer.finish();
  await tracker.summarizeLogvalues();
  expect(tracker.summary).toEqual(expected);
});

test("a run that goes on in its own folder keeps what it logged before the checkpoint", async () => {
  const at = (update: number) =>
    new UpdateCounter({
      startIteration: new TrainingIteration(null, update).toFullySpecified(10, 4),
      endIteration: new TrainingIteration(5),
      updatesPerEpoch: 10,
      effectiveBatchSize: 4,
    });
  const { pathProvider } = writer;
  for (const update of [1, 2, 3]) {
    counter.nextUpdate();
    writer.addScalar("loss", 10 * update);
    if (update === 1) writer.addScalar("once", 7);
    await writer.flush();
  }
  writer.finish();
  const again = new LogWriter({ pathProvider, updateCounter: at(2), tracker });
  again.updateCounter.nextUpdate();
  again.addScalar("loss", 99);
  await again.flush();
  again.finish();
  const entries = toMap<Map<number, number>>(load(pathProvider.basetrackerEntriesUri));
  expect([...entries].filter(([key]) => key === "loss" || key === "once")).toEqual([
    ["loss", new Map([[1, 10], [2, 20], [3, 99]])], // prettier-ignore
    ["once", new Map([[1, 7]])],
  ]);

  const fresh = new LogWriter({ pathProvider, updateCounter: at(0), tracker });
  fresh.addScalar("loss", 1);
  await fresh.flush();
  fresh.finish();
  expect(toMap(load(pathProvider.basetrackerEntriesUri)).get("loss")).toEqual(new Map([[0, 1]]));
});
