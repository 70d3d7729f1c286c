import type { Tensor } from "../../../lib/torch";
import {
  DatasetStatsCallback,
  EtaCallback,
  LrCallback,
  OnlineLossCallback,
  ParamCountCallback,
  PeakMemoryCallback,
  type PeriodicCallback,
  ProgressCallback,
  TrainTimeCallback,
} from "../../../lib/core/callbacks";
import { setDistributedConfig } from "../../../lib/core/distributed";
import { CompositeModel } from "../../../lib/core/models";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { getLogger } from "../../../lib/core/logging";
import { StatusLine } from "../../../lib/core/logging/terminal";
import { smallData, SmallModel, SMALL_MODEL } from "../../support/small-run";
import { counterAt, loss, parts, Weight } from "./support";

const mockReset = jest.fn();
jest.mock("../../../lib/torch/cuda/memory", () => ({
  ...jest.requireActual<object>("../../../lib/torch/cuda/memory"),
  maxMemoryAllocated: (device: string) => (device === "cuda:1" ? 3 * 2 ** 30 : 0),
  resetPeakMemoryStats: (device: string) => void mockReset(device),
}));

const lines = (callback: PeriodicCallback): string[] => {
  const seen: string[] = [];
  for (const level of ["debug", "info"] as const) {
    jest.spyOn(callback.logger, level).mockImplementation((line) => void seen.push(line));
  }
  return seen;
};
const step = (losses: Record<string, Tensor>) => ({
  updateCounter: counterAt(0),
  batch: {},
  losses,
  updateOutputs: null,
  accumulationSteps: 1,
  accumulationStep: 0,
});

test("DatasetStatsCallback: sizes of all data sets", async () => {
  const own = parts();
  await new DatasetStatsCallback(null, { ...own.dependencies, dataContainer: smallData(12, 5) }).beforeTraining();
  expect(own.summary).toEqual({ "ds_stats/train/len": 12, "ds_stats/test/len": 5 });
});

describe("ParamCountCallback", () => {
  test("of a model, from a configuration too", async () => {
    const own = parts();
    await new ParamCountCallback({ id: "x" }, own.dependencies).beforeTraining();
    expect(Object.entries(own.summary)).toEqual([
      ["param_count/total/trainable", 1], ["param_count/total/frozen", 0], ["param_count/total", 1],
      ["param_count/weight/trainable", 1], ["param_count/weight/frozen", 0], ["param_count/weight", 1],
    ]); // prettier-ignore
  });

  test("of a composite: the sum, then the parts", async () => {
    class Pair extends CompositeModel {
      readonly encoder = new Weight();
      readonly decoder = new Weight();
      override get submodels() {
        return { encoder: this.encoder, decoder: this.decoder };
      }
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    const own = parts();
    const model = new Pair(ModelBaseConfig.create({ kind: "Pair", name: "pair" }));
    model.decoder.requiresGrad_(false);
    await new ParamCountCallback(null, { ...own.dependencies, model }).beforeTraining();
    expect(Object.entries(own.summary)).toEqual([
      ["param_count/total/trainable", 1], ["param_count/total/frozen", 1], ["param_count/total", 2],
      ["param_count/encoder.weight/trainable", 1], ["param_count/encoder.weight/frozen", 0], ["param_count/encoder.weight", 1],
      ["param_count/decoder.weight/trainable", 0], ["param_count/decoder.weight/frozen", 1], ["param_count/decoder.weight", 1],
    ]); // prettier-ignore
  });
});

describe("OnlineLossCallback", () => {
  const make = (skip_nan_loss = false) => {
    const own = parts({ trainer: { config: { skip_nan_loss } } });
    return { own, callback: new OnlineLossCallback({ every_n_epochs: 1, verbose: false }, own.dependencies) };
  };

  test("logs the mean of every loss since the last time", () => {
    const { own, callback } = make();
    for (const value of [1, 2]) callback.trackAfterAccumulationStep(step({ total: loss(value), mse: loss(value / 2) }));
    callback.periodicCallback(own.context("eval"));
    callback.periodicCallback(own.context("epoch"));
    expect(own.writer.logCache).toMatchObject({ "loss/online/total/E1": 1.5, "loss/online/mse/E1": 0.75 });
    own.writer.logCache = null;
    callback.trackAfterAccumulationStep(step({ total: loss(5) }));
    callback.periodicCallback(own.context("epoch"));
    expect(own.writer.logCache).toMatchObject({ "loss/online/total/E1": 5 });
  });

  test("NaN ends training", () => {
    const { own, callback } = make();
    for (const value of [1, NaN]) callback.trackAfterAccumulationStep(step({ total: loss(value) }));
    expect(() => callback.periodicCallback(own.context("epoch"))).toThrow(
      /encountered nan loss: 'total' was NaN in 1 of the last 2 steps/,
    );
  });

  test("steps that were skipped because of NaN do not count", () => {
    const { own, callback } = make(true);
    for (const value of [1, NaN, 3]) callback.trackAfterAccumulationStep(step({ total: loss(value) }));
    callback.periodicCallback(own.context("epoch"));
    expect(own.writer.logCache).toMatchObject({ "loss/online/total/E1": 2 });
  });
});

test("TrainTimeCallback: mean and longest time by part", () => {
  const own = parts();
  const callback = new TrainTimeCallback({ every_n_updates: 2 }, own.dependencies);
  const seen = lines(callback);
  for (const seconds of [1, 2]) callback.trackAfterUpdateStep(own.counter, { data_wait: seconds, update: 2 * seconds });
  callback.periodicCallback(own.context());
  expect(own.writer.logCache).toMatchObject({
    "train_time/data_wait/mean/U2": 1.5, "train_time/data_wait/max/U2": 2, "train_time/update/mean/U2": 3, "train_time/update/max/U2": 4,
  }); // prettier-ignore
  callback.trackAfterUpdateStep(own.counter, { data_wait: 0.5, update: 1 });
  callback.afterTraining(own.counter);
  expect(seen).toEqual(expect.arrayContaining(["data_wait: total=[3.50] [sec]", "update: total=[7] [sec]"]));
});

test("PeakMemoryCallback: host memory of tensors", () => {
  const own = parts();
  const callback = new PeakMemoryCallback({ every_n_updates: 1 }, own.dependencies);
  const seen = lines(callback);
  callback.periodicCallback(own.context());
  expect(seen[0]).toMatch(/^max_memory_allocated: \d+\.\d\d GB$/);
});

test("PeakMemoryCallback: a GPU with a number is a GPU", () => {
  const own = parts();
  Object.defineProperty(own.model, "device", { value: "cuda:1" });
  new PeakMemoryCallback({ every_n_updates: 1 }, own.dependencies).periodicCallback(own.context());
  expect(own.writer.logCache!["memory/peak_gib/U1"]).toBe(3);
  expect(mockReset.mock.calls).toEqual([["cuda:1"]]);
});

describe("LrCallback", () => {
  const model = new SmallModel(ModelBaseConfig.create(SMALL_MODEL), { updateCounter: counterAt(0) }).initialize();
  const make = (config: object = { every_n_updates: 5 }) => {
    const own = parts();
    return { own, callback: new LrCallback(config, { ...own.dependencies, model }) };
  };

  test("rates of every group, only where there is a schedule", () => {
    const { own, callback } = make();
    model.optimizerScheduleStep();
    callback.periodicCallback(own.context());
    expect(Object.keys(own.writer.logCache ?? {}).slice(3)).toEqual([
      "optim/lr/small/default",
      "optim/lr/small/weight_decay=0",
    ]);
    const plain = parts();
    new LrCallback({ every_n_updates: 5 }, plain.dependencies).periodicCallback(plain.context());
    expect(plain.writer.logCache).toBeNull();
  });

  test("the first update counts, and is not logged twice", async () => {
    const { callback } = make();
    expect([1, 2, 5].map((update) => callback.isUpdateDue(counterAt(update)))).toEqual([true, false, true]);
    const both = make({ every_n_epochs: 1 });
    const counter = counterAt(1, { updatesPerEpoch: 1 });
    const context = { updateCounter: counter, trainerModel: model, batchSize: 1 };
    await both.callback.afterUpdate(context);
    await both.callback.afterEpoch(context);
    expect(both.own.writer.logCache).not.toBeNull();
  });
});

describe("ProgressCallback", () => {
  function make(config: object, start = 0) {
    const own = parts({ update: start });
    const callback = new ProgressCallback(config, own.dependencies);
    let now = 1000;
    callback.clock = () => now;
    const seen = lines(callback);
    callback.beforeTraining(counterAt(start));
    const at = (update: number, seconds: number, intervalType: "update" | "epoch" | "sample" = "update"): string[] => {
      now = 1000 + seconds;
      seen.length = 0;
      callback.periodicCallback({
        intervalType,
        updateCounter: counterAt(update),
        trainerModel: own.model,
        batchSize: 1,
      });
      return [...seen];
    };
    return { at, callback, seen, own };
  }

  test("one line: epoch, update, samples per second, remaining time", () => {
    const { at } = make({ every_n_updates: 10 });
    // 10 updates of 4 samples in 20 s; 90 updates of 2 s are left
    expect(at(10, 20)).toEqual(["epoch 1/10  update 10/100 (10%)  2 samples/s  3m00s left"]);
  });

  test("the first interval does not count for the estimate", () => {
    const { at } = make({ every_n_updates: 10 });
    expect(at(10, 100)[0]).toMatch(/ {2}15m00s left$/);
    // From here on 2 s per update: 80 more updates.
    expect(at(20, 120)[0]).toMatch(/ {2}2 samples\/s {2}2m40s left$/);
  });

  test("updates before a resumption took no time of this run", () => {
    expect(make({ every_n_updates: 10 }, 50).at(60, 20)[0]).toMatch(/ {2}2 samples\/s {2}1m20s left$/);
  });

  test("shows the loss of its interval and the metrics that callbacks want to be seen, with five digits, once", () => {
    const { at, own } = make({ every_n_updates: 10 });
    own.writer.addScalar("loss/online/total/U10", 0.123456789);
    own.writer.addScalar("loss/online/total/E1", 7);
    own.writer.addScalar("drag", 1234.56789, { logger: getLogger("drag") });
    expect(at(10, 20)).toEqual(["epoch 1/10  update 10/100 (10%)  2 samples/s  loss 0.12346  drag 1234.6  3m00s left"]);
    expect(own.writer.takeShown()).toEqual([]);
  });

  test("shows the learning rate", () => {
    const model = new SmallModel(ModelBaseConfig.create(SMALL_MODEL), { updateCounter: counterAt(0) }).initialize();
    const own = parts();
    const callback = new ProgressCallback({ every_n_updates: 1 }, { ...own.dependencies, model });
    const seen = lines(callback);
    callback.beforeTraining(counterAt(0));
    callback.periodicCallback({
      intervalType: "update",
      updateCounter: counterAt(1),
      trainerModel: model,
      batchSize: 1,
    });
    expect(seen[0]).toContain(`  lr ${model.optimizer?.paramGroups[0]?.lr}  `);
  });

  test("logs at least every five minutes, and not twice at one update", async () => {
    const { callback, seen, at } = make({ every_n_updates: 50 });
    callback.clock = () => 1000 + 301;
    await callback.trackAfterUpdateStep(counterAt(3));
    expect(seen).toHaveLength(1);
    expect(at(3, 302)).toEqual([]);
  });
});

describe("EtaCallback", () => {
  function make({ columns = 200 } = {}) {
    const own = parts();
    const callback = new EtaCallback({ every_n_updates: 4 }, own.dependencies);
    const written: string[] = [];
    callback.line = new StatusLine({ columns, write: (text: string) => written.push(text) > 0 });
    let now = 0;
    callback.clock = () => now;
    callback.beforeTraining(counterAt(0));
    const at = (update: number, { value = 0.123456789, seconds = 1 } = {}): string => {
      now += seconds;
      callback.trackAfterAccumulationStep(step({ total: loss(value) }));
      callback.trackAfterUpdateStep(counterAt(update), { update: seconds * 0.75, data_wait: seconds * 0.25 });
      return written.at(-1) as string;
    };
    return { callback, at, written };
  }
  afterEach(() => setDistributedConfig(null));

  test("only in the first process", () => {
    setDistributedConfig({ getRank: () => 1, getWorldSize: () => 2, getNumNodes: () => 1 });
    expect(() => make()).toThrow("EtaCallback may only be used in the first process");
  });

  test("a line that replaces the one before: percent, loss, remaining time and more", () => {
    const { at, callback } = make();
    // one update a second: 99 are left
    expect(at(1)).toBe(
      `\r\u001b[K${"░".repeat(20)}  1%  epoch 0/10  update 1/100  loss 0.12346  1 s/update  1m39s left`,
    );
    callback.afterTraining(counterAt(1));
  });

  test.each([20, 40, 60, 80, 118])("fits into %i columns, with percent, loss and remaining time first", (columns) => {
    const { at, callback } = make({ columns });
    const line = at(50).replace("\r\u001b[K", "");
    expect(line.length).toBeLessThan(columns);
    expect(line).toContain("50%");
    if (columns >= 40) expect(line).toMatch(/50%.* {2}loss 0\.12346 {2}.*s left$/);
    callback.afterTraining(counterAt(50));
  });

  test("is drawn ten times a second at most, and at the end", () => {
    const { at, written, callback } = make();
    at(1, { seconds: 0.2 });
    at(2, { seconds: 0.01 });
    at(3, { seconds: 0.02 });
    expect(written).toHaveLength(1);
    expect(at(100, { seconds: 0.01 })).toContain("100%");
    callback.afterTraining(counterAt(100));
  });

  test("is gone after training", () => {
    const { at, written, callback } = make();
    at(1);
    callback.afterTraining(counterAt(1));
    expect(written.at(-1)).toBe("\r\u001b[K");
  });
});
