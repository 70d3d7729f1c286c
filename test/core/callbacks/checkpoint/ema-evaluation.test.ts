import { join } from "node:path";
import { EmaCallback, PeriodicCallback } from "../../../../lib/core/callbacks";
import { CallBackBaseConfig } from "../../../../lib/core/callbacks/base-config";
import { register } from "../../../../lib/config/registry";
import { load, Tensor, toMap } from "../../../../lib/torch";
import { smallRun, temporaryFolder } from "../../../support/small-run";

/** Callbacks under averaged weights. */

const folder = temporaryFolder();
afterAll(() => folder.remove());

const OFFLINE = { kind: "noether.training.callbacks.OfflineLossCallback", every_n_epochs: 1, dataset_key: "test" };
const ema = (options: object = {}) => ({
  kind: "noether.core.callbacks.EmaCallback",
  every_n_epochs: 1,
  target_factors: [0.9, 0.5],
  eval_callbacks: [OFFLINE],
  ...options,
});

/** The first bias as it is when the callback runs. */
class Looking extends PeriodicCallback {
  static readonly schema = CallBackBaseConfig;
  static readonly seen: number[][] = [];
  override periodicCallback(): void {
    Looking.seen.push(biasOf(this.model));
  }
}
class Breaking extends PeriodicCallback {
  static readonly schema = CallBackBaseConfig;
  override periodicCallback(): void {
    throw new Error("out of luck");
  }
}
beforeAll(() => {
  register("test.ema.Looking", { class: Looking });
  register("test.ema.Breaking", { class: Breaking });
});

const biasOf = (model: unknown) => (model as { fc2: { bias: Tensor } }).fc2.bias.toArray() as number[];

async function train(runId: string, callbacks: object[], more: object = {}) {
  const run = smallRun({ outputRootPath: folder.path, runId, trainer: { callbacks, ...more } });
  await run.trainer.train(run.model);
  return run;
}

test("run once for each factor, before the callbacks after them, and log under its name", async () => {
  const { trainer } = await train("keys", [ema(), OFFLINE], { max_epochs: 1 });
  const keys = trainer.logWriter.logEntries.flatMap((entry) => Object.keys(entry).filter((key) => /total$/.test(key)));
  expect(keys).toEqual(["ema=0.9/loss/test/total", "ema=0.5/loss/test/total", "loss/test/total"]);
});

test("see the averages of their factor, and training goes on with its own weights", async () => {
  Looking.seen.length = 0;
  const look = { kind: "test.ema.Looking", every_n_epochs: 1 };
  const { trainer, model } = await train("seen", [ema({ eval_callbacks: [look] })], { max_epochs: 1 });
  const callback = trainer.callbacks.find((item) => item instanceof EmaCallback)!;
  const averages = [0.9, 0.5].map((factor) => callback.parametersOf(null, factor)!.get("fc2.bias")!.toArray());
  expect(Looking.seen).toEqual(averages);
  expect(Looking.seen).not.toContainEqual(biasOf(model));
  const plain = await train("unseen", [ema({ eval_callbacks: null })], { max_epochs: 1 });
  expect(biasOf(model)).toEqual(biasOf(plain.model));
});

test("keep their own intervals, whatever that of the averages", async () => {
  Looking.seen.length = 0;
  const look = { kind: "test.ema.Looking", every_n_updates: 2 };
  await train("intervals", [ema({ every_n_epochs: 100, target_factors: [0.5], eval_callbacks: [look] })]);
  expect(Looking.seen).toHaveLength(4); // of 9 updates
});

test("the averages are in the model only while one is due", async () => {
  const copied = jest.spyOn(Tensor.prototype, "copy_");
  const copies = async (every_n_updates: number): Promise<number> => {
    copied.mockClear();
    const look = { kind: "test.ema.Looking", every_n_updates };
    await train(`due-${every_n_updates}`, [
      ema({ every_n_epochs: 100, target_factors: [0.5], eval_callbacks: [look] }),
    ]);
    return copied.mock.calls.length;
  };
  const never = await copies(100);
  const [once, thrice] = [await copies(9), await copies(3)]; // of 9 updates
  copied.mockRestore();
  expect(once).toBeGreaterThan(never);
  expect(thrice - never).toBe(3 * (once - never));
});

test("the model has its own weights again after one that fails", async () => {
  const run = smallRun({
    outputRootPath: folder.path,
    runId: "failing",
    trainer: {
      callbacks: [ema({ eval_callbacks: [{ kind: "test.ema.Breaking", every_n_epochs: 1 }] })],
      max_epochs: 1,
    },
  });
  await expect(run.trainer.train(run.model)).rejects.toThrow("out of luck");
  const plain = await train("not-failing", [ema({ eval_callbacks: null })], { max_epochs: 1 });
  expect(biasOf(run.model)).toEqual(biasOf(plain.model));
});

test("find the metrics of their factor by the plain name; the best weights are those of the factor", async () => {
  const best = {
    kind: "noether.core.callbacks.BestCheckpointCallback",
    every_n_epochs: 1,
    metric_key: "loss/test/total",
  };
  const { trainer } = await train("best", [ema({ eval_callbacks: [OFFLINE, best] })], { max_epochs: 1 });
  const name = "small_cp=best_model.ema=0.5.loss.test.total_model.th";
  const { state_dict: state } = load<{ state_dict: Map<string, Tensor> }>(
    join(folder.path, "best", "checkpoints", name),
  );
  const callback = trainer.callbacks.find((item) => item instanceof EmaCallback)!;
  expect(toMap<Tensor>(state).get("fc2.bias")!.toArray()).toEqual(
    callback.parametersOf(null, 0.5)!.get("fc2.bias")!.toArray(),
  );
});

test("keep their state when the run is resumed", async () => {
  const best = {
    kind: "noether.core.callbacks.BestCheckpointCallback",
    every_n_epochs: 1,
    metric_key: "loss/test/total",
  };
  const callbacks = [
    { kind: "noether.core.callbacks.CheckpointCallback", every_n_epochs: 1, save_latest_optim: true },
    ema({ eval_callbacks: [OFFLINE, best] }),
  ];
  const values = (run: Awaited<ReturnType<typeof train>>) =>
    run.trainer.callbacks
      .flatMap((callback) => callback.getChildren())
      .flatMap((child) => ("bestMetricValue" in child ? [child.bestMetricValue] : []));
  const whole = values(await train("first", callbacks));
  const initializer = {
    kind: "noether.core.initializers.ResumeInitializer",
    run_id: "first",
    checkpoint_tag: "latest",
    model_name: "small",
  };
  const resumed = values(await train("second", callbacks, { initializer }));
  expect(whole.every(Number.isFinite)).toBe(true);
  expect(resumed).toEqual(whole);
});
