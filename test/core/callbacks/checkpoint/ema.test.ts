import { readdirSync } from "node:fs";
import { join } from "node:path";

import { load, type Tensor, toMap } from "../../../../lib/torch";
import { EmaCallback, PeriodicCallback } from "../../../../lib/core/callbacks";
import { ModelBaseConfig } from "../../../../lib/core/models/model-base-config";
import { SMALL_MODEL, SmallModel, smallRun, temporaryFolder } from "../../../support/small-run";

/** Averaged weights are a part of the checkpoints that training goes on from. */

const folder = temporaryFolder();
afterAll(() => folder.remove());

const LATEST = {
  kind: "noether.core.callbacks.CheckpointCallback",
  every_n_updates: 2,
  save_weights: false,
  save_latest_weights: true,
  save_latest_optim: true,
};
const ema = (options: object) => ({ kind: "noether.core.callbacks.EmaCallback", target_factors: [0.5], ...options });

/** Fails at an update. */
class Failing extends PeriodicCallback {
  override periodicCallback({ updateCounter }: { updateCounter: { update: number } }): void {
    if (updateCounter.update === 5) throw new Error("out of luck");
  }
}

async function train(
  runId: string,
  callbacks: object[],
  options: { from?: string; tag?: string; failing?: boolean } = {},
) {
  const { from, tag = "latest", failing = false } = options;
  const run = smallRun({
    outputRootPath: folder.path,
    runId,
    seed: from === undefined ? 0 : 99,
    trainer: {
      callbacks,
      ...(from === undefined
        ? {}
        : {
            initializer: {
              kind: "noether.core.initializers.ResumeInitializer",
              run_id: from,
              checkpoint_tag: tag,
              model_name: "small",
            },
          }),
    },
  });
  if (failing) run.trainer.extraCallbacks = (dependencies) => [new Failing({ every_n_updates: 1 }, dependencies)];
  await run.trainer.train(run.model);
  const callback = run.trainer.callbacks.find((item) => item instanceof EmaCallback);
  return Object.fromEntries(
    [...(callback?.parametersOf(null, 0.5) ?? [])].map(([name, tensor]) => [name, tensor.toArray()]),
  );
}

const files = (runId: string): string[] => readdirSync(join(folder.path, runId, "checkpoints")).sort();
const read = (runId: string, name: string) =>
  load<{ training_iteration: { update: number }; state_dict: Record<string, Tensor> }>(
    join(folder.path, runId, "checkpoints", name),
  );
const updateOf = (runId: string, name: string): number => read(runId, name).training_iteration.update;

const RARE = [LATEST, ema({ every_n_epochs: 100, save_weights: false, save_last_weights: false })];
let whole: Record<string, unknown>;
beforeAll(async () => (whole = await train("whole", RARE)));

test("every checkpoint that can be resumed has them, also when they are not due themselves", async () => {
  expect(files("whole")).toEqual([
    "small_cp=latest_model.th",
    "small_cp=latest_optim.th",
    "small_cp=latest_trainer.th",
    "small_ema=0.5_cp=latest_model.th",
  ]);
  await expect(train("failed", RARE, { failing: true })).rejects.toThrow("out of luck");
  expect(files("failed").filter((name) => name.includes("ema"))).toEqual([
    "small_ema=0.5_cp=E1_U5_S20.error_model.th",
    "small_ema=0.5_cp=latest_model.th",
  ]);
  expect(updateOf("failed", "small_ema=0.5_cp=latest_model.th")).toBe(4);
});

test.each(["latest", "E1_U5_S20.error"])(
  "a run that failed before they were due goes on from %s as if nothing had been",
  async (tag) => {
    expect(await train(`from ${tag}`, RARE, { from: "failed", tag })).toEqual(whole);
  },
);

test("checkpoints without optimizer do not have them: nothing can be resumed from these", async () => {
  const weights = { ...LATEST, save_weights: true, save_latest_optim: false };
  await train("weights", [weights, ema({ every_n_epochs: 100, save_weights: false, save_last_weights: false })]);
  expect(files("weights").filter((name) => name.includes("ema"))).toEqual([]);
});

test.each([
  ["averages are saved more often", 2, 3],
  ["checkpoints are saved more often", 3, 2],
])("latest is one thing when %s", async (_, averages, checkpoints) => {
  const runId = `${averages} ${checkpoints}`;
  const callbacks = [
    ema({ every_n_updates: averages, save_weights: false, save_last_weights: false, save_latest_weights: true }),
    { ...LATEST, every_n_updates: checkpoints },
  ];
  const seen: number[][] = [];
  class Watcher extends PeriodicCallback {
    override trackAfterUpdateStep(): void {
      const names = ["small_cp=latest_model.th", "small_ema=0.5_cp=latest_model.th", "small_cp=latest_trainer.th"];
      const there = names.filter((name) => files(runId).includes(name));
      if (there.length > 0) seen.push(there.map((name) => updateOf(runId, name)));
    }
  }
  const run = smallRun({ outputRootPath: folder.path, runId, trainer: { callbacks } });
  run.trainer.extraCallbacks = (dependencies) => [new Watcher({ every_n_updates: 1 }, dependencies)];
  run.trainer.checkpointWriter.save({ model: run.model, checkpointTag: "start", saveOptim: false });
  await run.trainer.train(run.model);
  expect(seen).toEqual([2, 3, 4, 4, 6, 6, 8].map((update) => [update, update, update]));
});

test("a callback that comes after the one that saves is in the checkpoint as well", async () => {
  class Counting extends PeriodicCallback {
    count = 0;
    override periodicCallback(): void {
      this.count += 1;
    }
    override stateDict() {
      return { count: this.count };
    }
  }
  const run = smallRun({
    outputRootPath: folder.path,
    runId: "order",
    trainer: { callbacks: [LATEST], max_updates: 4 },
  });
  run.trainer.extraCallbacks = (dependencies) => [new Counting({ every_n_updates: 1, id: "counting" }, dependencies)];
  await run.trainer.train(run.model);
  const { callback_state_dicts: states } = load<{ callback_state_dicts: unknown }>(
    join(folder.path, "order", "checkpoints", "small_cp=latest_trainer.th"),
  );
  expect(toMap(toMap(states).get("counting")).get("count")).toBe(4);
});

test("a parameter that a model has in two places is there under both names", async () => {
  class Tied extends SmallModel {
    readonly again = this.fc2;
  }
  const run = smallRun({
    outputRootPath: folder.path,
    runId: "tied",
    trainer: { callbacks: [ema({ every_n_epochs: 1 })] },
    buildModel: (dependencies) => new Tied(ModelBaseConfig.create(SMALL_MODEL), dependencies),
  });
  await run.trainer.train(run.model);
  const state = read("tied", "small_ema=0.5_cp=last_model.th").state_dict;
  expect(Object.keys(state).sort()).toEqual([...run.model.stateDict().keys()].sort());
  expect(state["again.weight"]!.equal(state["fc2.weight"]!)).toBe(true);
});
