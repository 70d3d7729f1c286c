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
import { getLogger, rootLogger } from "../../../lib/core/logging";
import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { smallData, SmallModel, SMALL_MODEL } from "../../support/small-run";
import { counterAt, loss, parts, Weight } from "./support";

/** Cases of core-callbacks-trackers spec 6 and 20. */

const lines = (callback: PeriodicCallback): string[] => {
  const seen: string[] = [];
  jest.spyOn(callback.logger, "info").mockImplementation((line) => void seen.push(line));
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
    expect(own.summary).toEqual({
      "param_count/weight/trainable": 1,
      "param_count/weight/frozen": 0,
      "param_count/weight": 1,
    });
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

  test("where training stands, by interval", () => {
    const { at } = make({ every_n_updates: 10 });
    expect(at(10, 20)[0]).toBe("10% done. Update 10/100 (E1_U10_S40)");
    expect(at(20, 40, "epoch")[0]).toBe("20% done. Epoch 2/10 (E2_U20_S80)");
    expect(at(30, 60, "sample")[0]).toBe("30% done. Sample 120/400 (E3_U30_S120)");
  });

  test("the first interval does not count for the estimate", () => {
    const { at } = make({ every_n_updates: 10 });
    expect(at(10, 100)[1]).toMatch(
      /estimated_duration: 00:16:40.00 time_since_last_log: 00:01:40.00 time_per_update: 00:00:10.00/,
    );
    // From here on 2 s per update: 90 more updates.
    expect(at(20, 120)[1]).toMatch(
      /estimated_duration: 00:03:00.00 time_since_last_log: 00:00:20.00 time_per_update: 00:00:02.00/,
    );
  });

  test("the end is a date with its offset", () => {
    const { at } = make({ every_n_updates: 10 });
    const date = /Estimated end time: (\S+)/.exec(at(10, 100)[1] as string)?.[1] as string;
    expect(date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
    expect(Date.parse(date)).toBe((1000 + 1000) * 1000);
  });

  test("updates before a resumption took no time of this run", () => {
    expect(make({ every_n_updates: 10 }, 50).at(60, 20)[1]).toContain("time_per_update: 00:00:02.00");
  });

  test("logs at least every five minutes, and not twice at one update", async () => {
    const { callback, seen, at } = make({ every_n_updates: 50 });
    callback.clock = () => 1000 + 301;
    await callback.trackAfterUpdateStep(counterAt(3));
    expect(seen).toHaveLength(2);
    expect(at(3, 302)).toEqual([]);
  });
});

describe("EtaCallback", () => {
  function make(config: object, { updatesPerEpoch = 10, end = 10, effectiveBatchSize = 4 } = {}) {
    const own = parts();
    const callback = new EtaCallback(config, own.dependencies);
    const written: string[] = [];
    callback.write = (text) => void written.push(text);
    const counter = counterAt(0, { updatesPerEpoch, end, effectiveBatchSize });
    callback.beforeTraining(counter);
    const at = (update: number, seconds = 1) => {
      const now = new UpdateCounter({
        startIteration: new TrainingIteration(null, update).toFullySpecified(updatesPerEpoch, effectiveBatchSize),
        endIteration: new TrainingIteration(end),
        updatesPerEpoch,
        effectiveBatchSize,
      });
      callback.trackAfterUpdateStep(now, { update: seconds * 0.75, data_wait: seconds * 0.25 });
      return written.at(-1) as string;
    };
    return { callback, at, counter, written };
  }
  afterEach(() => {
    setDistributedConfig(null);
    rootLogger().handlers = [];
  });

  test("only in the first process", () => {
    setDistributedConfig({ getRank: () => 1, getWorldSize: () => 2, getNumNodes: () => 1 });
    expect(() => make({ every_n_epochs: 1 })).toThrow("only use EtaCallback on rank0 process");
  });

  test("one line that ends in a carriage return", () => {
    const { at, callback, counter } = make({ every_n_updates: 4 });
    const line = at(3);
    expect(line).toMatch(
      /^E {2}0\/10 \| U {3}3\/100 \| S {5}12\/400 \| next_log 3\/4 \| next_log_eta \d\d:\d\d:\d\d \(00:00->00:01\) \| avg_update 0\.33s\r$/,
    );
    callback.afterTraining(counter);
  });

  test.each([
    [{ every_n_epochs: 2 }, 20, "next_log 20/20"],
    [{ every_n_epochs: 2 }, 7, "next_log  7/20"],
    [{ every_n_updates: 5 }, 10, "next_log 0/5"],
    [{ every_n_samples: 5, batch_size: 1 }, 3, "next_log 1/1"],
  ])("%j at update %i", (config, update, expected) => {
    const { at, callback, counter } = make(config);
    expect(at(update)).toContain(expected);
    callback.afterTraining(counter);
  });

  test("the time since the last log starts again at each log", () => {
    const { at, callback, counter } = make({ every_n_updates: 2 });
    at(1, 123);
    at(2, 1);
    expect(callback.timeSinceLastLog).toBe(1);
    callback.afterTraining(counter);
  });

  test("goes on below what was logged meanwhile", () => {
    const { at, callback, counter } = make({ every_n_updates: 2 });
    getLogger("x").debug("something");
    expect(at(1)).toMatch(/^\n/);
    expect(at(2)).not.toMatch(/^\n/);
    callback.afterTraining(counter);
    expect(rootLogger().handlers).not.toContain(callback.handler);
  });
});
