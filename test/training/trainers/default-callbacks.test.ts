import { readFileSync } from "node:fs";

import { load, toMap } from "../../../lib/torch";
import { CallbackBase, OnlineLossCallback } from "../../../lib/core/callbacks";
import { MessageCounter, rootLogger } from "../../../lib/core/logging";
import { smallRun, temporaryFolder } from "../../support/small-run";

/** Whole runs with the callbacks that every run has. */

const folder = temporaryFolder();
afterAll(() => folder.remove());
let before: ReturnType<typeof rootLogger>["handlers"];
beforeEach(() => {
  before = rootLogger().handlers;
  rootLogger().handlers = [new MessageCounter()];
});
afterEach(() => {
  rootLogger().handlers = before;
});

const run = (trainer: Record<string, unknown>, runId = "run") =>
  smallRun({ outputRootPath: folder.path, runId, trainer: { add_default_callbacks: true, callbacks: [], ...trainer } });

test("their order; two that would log the same keys are one", () => {
  const names = (trainer: Record<string, unknown>) => {
    const built = run(trainer);
    return built.trainer.getAllCallbacks(built.model).map(String);
  };
  expect(names({ log_every_n_epochs: 1, track_every_n_updates: 2 })).toEqual([
    "DatasetStatsCallback",
    "ParamCountCallback",
    "TrainTimeCallback(every_n_epochs=1)",
    "PeakMemoryCallback(every_n_epochs=1)",
    "OnlineLossCallback(every_n_epochs=1)",
    "ProgressCallback(every_n_epochs=1)",
    "LrCallback(every_n_updates=2)",
    "OnlineLossCallback(every_n_updates=2)",
  ]);
  const online = (trainer: Record<string, unknown>) => names(trainer).filter((name) => name.startsWith("OnlineLoss"));
  expect(online({ log_every_n_epochs: 1, track_every_n_epochs: 1 })).toEqual(["OnlineLossCallback(every_n_epochs=1)"]);
  expect(online({})).toEqual(["OnlineLossCallback(every_n_updates=1)"]);
  const own = { kind: "noether.core.callbacks.OnlineLossCallback", every_n_epochs: 1 };
  expect(online({ log_every_n_epochs: 1, track_every_n_updates: 2, callbacks: [own] })).toHaveLength(2);
});

test("what a run says once before it begins can be listed, and has its own metrics entry; what comes after training joins the last", async () => {
  class Around extends CallbackBase {
    override beforeTraining(): void {
      this.writer.addScalar("before", 1);
    }
    override afterTraining(): void {
      this.writer.addScalar("after", 2);
    }
  }
  const listed = ["DatasetStatsCallback", "ParamCountCallback"].map((name) => ({
    ...{ kind: `noether.core.callbacks.${name}`, every_n_epochs: 1 },
  }));
  const { trainer, model, pathProvider } = smallRun({
    ...{ outputRootPath: folder.path, runId: "once" },
    trainer: { max_epochs: 1, callbacks: [...listed, { kind: "noether.core.callbacks.OnlineLossCallback", every_n_updates: 1 }] }, // prettier-ignore
  });
  const summary = jest.spyOn(trainer.tracker, "updateSummary");
  trainer.extraCallbacks = (dependencies) => [new Around(null, dependencies)];
  await trainer.train(model);
  const said = summary.mock.calls.flatMap(([values]) => Object.keys(values));
  expect(said.filter((key) => key === "ds_stats/train/len")).toHaveLength(1);
  expect(said.filter((key) => key.startsWith("param_count/"))).not.toEqual([]);
  const entries = toMap<Map<number, number>>(load(pathProvider.basetrackerEntriesUri));
  const updatesOf = (key: string) => [...toMap<unknown>(entries.get(key)).keys()].map(Number);
  expect([updatesOf("before"), updatesOf("after"), updatesOf("loss/online/mse/U1")]).toEqual([[0], [3], [1, 2, 3]]);
});

test.each([
  ["by default", {}],
  ["by epoch", { log_every_n_epochs: 1, track_every_n_epochs: 1 }],
  ["by sample", { log_every_n_samples: 8, track_every_n_samples: 4 }],
])("logging %s, a run ends and leaves its metrics", async (name, intervals) => {
  const { trainer, model, pathProvider } = run(intervals, name);
  await trainer.tracker.init({
    accelerator: "cpu",
    runName: "r",
    stageName: null,
    stageHp: { a: [1, { b: 2 }], lr: 1e-5 },
    runId: name,
    outputUri: pathProvider.runOutputPath,
  });
  await trainer.train(model);
  await trainer.tracker.summarizeLogvalues();
  await trainer.tracker.close();
  const entries = load(pathProvider.basetrackerEntriesUri) as Record<string, Map<number, number>>;
  expect(Object.keys(entries)).toEqual(expect.arrayContaining(["epoch", "sample", "optim/lr/small/default"]));
  expect(Object.keys(entries).some((key) => key.startsWith("loss/online/total/"))).toBe(true);
  const summary = readFileSync(pathProvider.basetrackerSummaryUri, "utf8");
  expect(summary).toMatch(/ds_stats\/train\/len: 12/);
  expect(summary).toMatch(/loss\/online\/mse\/\w+\/min: 0\.\d+/);
  expect(readFileSync(pathProvider.basetrackerConfigUri, "utf8")).toContain(
    "run_name: r\nstage_name: default\nhp:\n  a:\n    '0': 1\n    '1':\n      b: 2\n",
  );
});

test("the best metrics of a run with evaluation, best checkpoint and early stopping", async () => {
  const callbacks = [
    { kind: "noether.core.callbacks.OnlineLossCallback", every_n_epochs: 1 },
    { kind: "noether.training.callbacks.OfflineLossCallback", every_n_epochs: 1, dataset_key: "test" },
    { kind: "noether.core.callbacks.BestCheckpointCallback", every_n_epochs: 1, metric_key: "loss/test/mse" },
    {
      kind: "noether.core.callbacks.BestMetricCallback",
      every_n_epochs: 1,
      source_metric_key: "loss/test/mse",
      target_metric_keys: ["loss/online/mse/E1"],
    },
    { kind: "noether.core.callbacks.MetricEarlyStopper", every_n_epochs: 1, metric_key: "loss/test/mse", tolerance: 2 },
  ];
  const { trainer, model } = run({ callbacks, max_epochs: 8, log_every_n_updates: 5, track_every_n_epochs: 1 }, "best");
  await trainer.train(model);
  const metrics = trainer.logWriter;
  expect(metrics.getAllMetricValues("lossdiff/test/mse").length).toBeGreaterThan(1);
  expect(metrics.getAllMetricValues("loss/online/mse/E1/at_best/loss/test/mse").length).toBe(
    metrics.getAllMetricValues("loss/test/mse").length,
  );
  expect(trainer.callbacks.filter((callback) => callback instanceof OnlineLossCallback)).toHaveLength(2);
});
