import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BestMetricCallback, TrackAdditionalOutputsCallback } from "../../../lib/core/callbacks";
import { BestMetricCallbackConfig } from "../../../lib/core/callbacks/online/best-metric";
import { TrackAdditionalOutputsCallbackConfig } from "../../../lib/core/callbacks/online/track-outputs";
import { full, keep, load, tensor, type Tensor } from "../../../lib/torch";
import { temporaryFolder } from "../../support/small-run";
import { counterAt, logMetrics, parts } from "./support";

describe("BestMetricCallback", () => {
  const make = (config: object = {}, own = parts()) => ({
    own,
    callback: new BestMetricCallback(
      BestMetricCallbackConfig.create({
        every_n_epochs: 1,
        source_metric_key: "loss/val",
        target_metric_keys: ["loss/test"],
        optional_target_metric_keys: ["extra"],
        ...config,
      } as never),
      own.dependencies,
    ),
  });

  test("logs targets as they were at the best, and keeps logging them", () => {
    const { own, callback } = make();
    logMetrics(own, { "loss/val": 0.9, "loss/test": 1.1, extra: 3 });
    callback.periodicCallback(own.context("epoch"));
    expect(callback.bestMetricValue).toBe(0.9);
    expect(own.writer.logCache).toMatchObject({ "loss/test/at_best/loss/val": 1.1, "extra/at_best/loss/val": 3 });
    logMetrics(own, { "loss/val": 0.95, "loss/test": 0.1 });
    callback.periodicCallback(own.context("epoch"));
    expect(callback.bestMetricValue).toBe(0.9);
    expect(own.writer.logCache).toMatchObject({ "loss/test/at_best/loss/val": 1.1, "extra/at_best/loss/val": 3 });
  });

  test("optional targets may be missing, others not", () => {
    const { own, callback } = make();
    logMetrics(own, { "loss/val": 0.9, "loss/test": 1 });
    callback.periodicCallback(own.context("epoch"));
    logMetrics(own, { "loss/val": 0.8 });
    expect(() => callback.periodicCallback(own.context("epoch"))).toThrow("couldn't find metric_key loss/test");
    callback.periodicCallback(own.context("eval"));
  });

  test("needs a target", () =>
    expect(() => make({ target_metric_keys: null, optional_target_metric_keys: null })).toThrow(
      "needs target_metric_keys",
    ));

  test("its state is restored", () => {
    const { own, callback } = make();
    logMetrics(own, { "loss/val": 0.9, "loss/test": 1 });
    callback.periodicCallback(own.context("epoch"));
    const other = make().callback;
    other.loadStateDict(callback.stateDict());
    expect([other.bestMetricValue, other.previousLogValues]).toEqual([0.9, callback.previousLogValues]);
    expect(other.checkpointKey).toBe(callback.checkpointKey);
  });
});

describe("TrackAdditionalOutputsCallback", () => {
  const make = (config: object, own = parts()) => ({
    own,
    callback: new TrackAdditionalOutputsCallback(
      TrackAdditionalOutputsCallbackConfig.create({ every_n_updates: 2, ...config } as never),
      own.dependencies,
    ),
  });
  const step = (updateOutputs: Record<string, unknown> | null, update = 0) => ({
    updateCounter: counterAt(update),
    batch: {},
    losses: {},
    updateOutputs,
    accumulationSteps: 1,
    accumulationStep: 0,
  });

  test("keys and patterns choose the outputs", () => {
    const { own, callback } = make({ keys: ["a"], patterns: ["gate"] });
    callback.trackAfterAccumulationStep(step(null));
    for (const value of [1, 3])
      callback.trackAfterAccumulationStep(step({ a: full([], value), gate_1: full([2], value), other: full([], 9) }));
    callback.periodicCallback(own.context());
    expect(own.writer.logCache).toMatchObject({ "a/U2": 2, "gate_1/U2": 2 });
    expect(Object.keys(own.writer.logCache ?? {})).not.toContain("other/U2");
    expect(() => callback.trackAfterAccumulationStep(step({ b: 1 }))).toThrow("no additional output 'a'");
  });

  test("the last value, once per interval, also with gradient accumulation", () => {
    const { own, callback } = make({ keys: ["a"], reduce: "last" });
    callback.trackAfterAccumulationStep(step({ a: 1 }, 0));
    callback.trackAfterAccumulationStep(step({ a: 2 }, 1));
    callback.trackAfterAccumulationStep(step({ a: 3 }, 1));
    callback.periodicCallback(own.context());
    expect(own.writer.logCache).toMatchObject({ "a/U2": 3 });
  });

  test("an output that a key and a pattern choose counts once", () => {
    const { own, callback } = make({ keys: ["mask_a"], patterns: ["mask"], reduce: "last" });
    callback.trackAfterAccumulationStep(step({ mask_a: full([], 1) }, 0));
    callback.trackAfterAccumulationStep(step({ mask_a: full([], 2) }, 1));
    callback.periodicCallback(own.context());
    expect(own.writer.logCache).toMatchObject({ "mask_a/U2": 2 });
  });

  test("saves what it reduced", () => {
    const folder = temporaryFolder();
    const { own, callback } = make(
      { keys: ["mask/a"], reduce: "last", log_output: false, save_output: true },
      parts({ outputRootPath: folder.path, update: 2 }),
    );
    callback.trackAfterAccumulationStep(step({ "mask/a": keep(tensor([1, 2])) }, 1));
    callback.periodicCallback(own.context());
    const saved = join(own.paths.runOutputPath, "update_outputs");
    expect(readdirSync(saved)).toEqual(["mask.a_U2_E0_U2_S8.th"]);
    expect(load<Tensor>(join(saved, "mask.a_U2_E0_U2_S8.th")).toArray()).toEqual([1, 2]);
    folder.remove();
  });

  test("needs something to track", () => expect(() => make({})).toThrow("needs keys or patterns"));
});
