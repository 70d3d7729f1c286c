import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { basename, join } from "node:path";

import { toRelease11State } from "../../lib/core/release-1.1";
import { getNumThreads, load, manualSeed, save, setNumThreads, type Tensor, toMap } from "../../lib/torch";
import { goldenPath } from "../support/golden";
import { python } from "../support/python";
import {
  checkpointFile,
  golden,
  type GoldenModel,
  goldenRun,
  goldenTensors,
  type GoldenTrainer,
  largestDifference,
  recorded,
  temporaryFolder,
  type TraceEntry,
} from "./golden-run";

/** The recorded run (`test/golden/training`), once through the whole trainer and once resumed from the files that Python wrote. */

const CHECKPOINT = {
  kind: "noether.core.callbacks.CheckpointCallback",
  every_n_epochs: recorded.epoch,
  save_weights: true,
  save_optim: true,
  save_latest_weights: true,
  save_latest_optim: true,
};

const folder = temporaryFolder();
const threads = getNumThreads();
beforeAll(() => {
  setNumThreads(1);
  manualSeed(0);
});
afterAll(() => {
  setNumThreads(threads);
  folder.remove();
});

const read = (root: string, tag: string, part: "model" | "optim"): Map<string, unknown> =>
  toMap(load(checkpointFile(root, tag, part))) as Map<string, unknown>;
const stateDictOf = (root: string, tag: string) =>
  toMap(read(root, tag, "model").get("state_dict")) as Map<string, Tensor>;

function expectTrace(trainer: GoldenTrainer, model: GoldenModel, expected: readonly TraceEntry[]): void {
  const entries = trainer.trace?.entries ?? [];
  expect(entries).toHaveLength(expected.length);
  expected.forEach((reference, i) => {
    const entry = entries[i] as { loss: number; lr: number[] };
    expect(Math.abs(entry.loss / reference.loss - 1)).toBeLessThan(1e-4);
    expect(Math.abs((model.gradNorms[i] as number) / reference.grad_norm - 1)).toBeLessThan(1e-4);
    expect(entry.lr).toHaveLength(reference.lr.length);
    reference.lr.forEach((lr, group) => expect(Math.abs((entry.lr[group] as number) / lr - 1)).toBeLessThan(1e-12));
  });
}

describe("all updates from the initial weights", () => {
  let trainer: GoldenTrainer;
  let model: GoldenModel;

  beforeAll(async () => {
    ({ trainer, model } = goldenRun({
      outputRootPath: folder.path,
      runId: recorded.runId,
      callbacks: [CHECKPOINT],
      checkpointFormat: "1.1", // that of the record
    }));
    await trainer.train(model);
  });

  test("losses, gradient norms and learning rates are those of the record", () => {
    expectTrace(trainer, model, golden.trace);
  });

  test("the final weights agree", () => {
    expect(largestDifference(toRelease11State(model.stateDict()), goldenTensors("final.safetensors"))).toBeLessThan(
      1e-5,
    );
  });

  test.each([recorded.tag, "latest"])("checkpoint %s holds the same weights and optimizer state as Python's", (tag) => {
    const ours = { weights: stateDictOf(folder.path, tag), optimizer: read(folder.path, tag, "optim") };
    const reference = read(goldenPath("training", "run"), tag, "optim");
    const weights = stateDictOf(goldenPath("training", "run"), tag);
    expect([...ours.weights.keys()]).toEqual([...weights.keys()]);
    expect(largestDifference(ours.weights, weights)).toBeLessThan(1e-5);

    expect([...ours.optimizer.keys()]).toEqual([...reference.keys()]);
    expect(toMap(ours.optimizer.get("param_idx_to_name"))).toEqual(toMap(reference.get("param_idx_to_name")));
    // the record is of release 1.1, which has no initial_lr
    const groups = (reference.get("param_groups") as object[]).map((group) => ({ ...group, initial_lr: 1e-3 }));
    expect(ours.optimizer.get("param_groups")).toEqual(groups);
    const moments = (optimizer: ReadonlyMap<unknown, unknown>): Map<string, Tensor> =>
      new Map(
        [...toMap(optimizer.get("state"))].flatMap(([i, entry]) =>
          [...toMap(entry)].map(([key, value]) => [`${String(i)}.${String(key)}`, value as Tensor] as const),
        ),
      );
    const difference = largestDifference(moments(ours.optimizer), moments(reference));
    expect(difference).toBeLessThan(1e-4);
  });
});

(python === undefined ? test.skip : test)(
  "Python reads our checkpoints of the run and finds what it would have written",
  async () => {
    const outputRootPath = join(folder.path, "for-python");
    const { trainer, model, pathProvider } = goldenRun({
      outputRootPath,
      runId: recorded.runId,
      callbacks: [CHECKPOINT],
      checkpointFormat: "1.1",
    });
    await trainer.train(model);
    const script = join(__dirname, "fixtures", "compare_checkpoints.py");
    const theirs = recorded.checkpoints;
    const found = JSON.parse(
      execFileSync(python as string, [script, pathProvider.checkpointPath, theirs], { encoding: "utf8" }),
    ) as {
      problems: string[];
      trainer_files: Record<string, unknown>;
      model_config: Record<string, unknown>;
    };
    expect(found.problems).toEqual([]);
    expect(Object.keys(found.trainer_files)).toEqual(
      expect.arrayContaining(
        [recorded.tag, "last", "latest"].map((tag) => basename(checkpointFile("", tag, "trainer"))),
      ),
    );
    expect(found.trainer_files[basename(checkpointFile("", recorded.tag, "trainer"))]).toEqual({
      keys: ["callback_state_dicts", "training_iteration", "grad_scaler", "random_state"],
      training_iteration: { epoch: recorded.epoch, update: recorded.update, sample: recorded.sample },
      grad_scaler: {},
    });
    expect(found.model_config).toMatchObject({ ...golden.model_config, is_frozen: false, forward_properties: [] });
  },
);

test("the checkpoint that Python wrote inside the run is resumed and gives the same remaining updates", async () => {
  const outputRootPath = join(folder.path, "python");
  cpSync(goldenPath("training", "run"), outputRootPath, { recursive: true });
  // The record has no trainer file; this is what Python's would hold.
  save(
    {
      callback_state_dicts: {},
      training_iteration: { epoch: recorded.epoch, update: recorded.update, sample: recorded.sample },
      grad_scaler: {},
    },
    checkpointFile(outputRootPath, recorded.tag, "trainer"),
  );
  const { trainer, model } = goldenRun({
    outputRootPath,
    runId: "resumed",
    initializer: {
      kind: "noether.core.initializers.ResumeInitializer",
      run_id: recorded.runId,
      stage_name: recorded.stageName,
      model_name: golden.model_config.name,
      checkpoint_tag: recorded.tag,
    },
  });
  await trainer.train(model);
  expect(trainer.updateCounter.update).toBe(golden.updates);
  expectTrace(trainer, model, golden.trace.slice(recorded.update));
  expect(largestDifference(toRelease11State(model.stateDict()), goldenTensors("final.safetensors"))).toBeLessThan(1e-5);
});
