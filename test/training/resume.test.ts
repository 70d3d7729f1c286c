import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { register } from "../../lib/config/registry";
import { InitializerBase } from "../../lib/initializers";
import { load, noGrad, toMap } from "../../lib/torch";
import { FixedEarlyStopper, PeriodicCallback } from "../../lib/core/callbacks";
import { rand } from "../../lib/torch";
import { smallData, smallRun, temporaryFolder, weightsOf } from "../support/small-run";

/** Interrupted and resumed is the same as uninterrupted, bit for bit. */

const folder = temporaryFolder();
afterAll(() => folder.remove());

const CHECKPOINTS = {
  kind: "noether.core.callbacks.CheckpointCallback",
  every_n_epochs: 1,
  save_weights: true,
  save_optim: true,
  save_latest_weights: true,
  save_latest_optim: true,
};
const OFFLINE_LOSS = {
  kind: "noether.training.callbacks.OfflineLossCallback",
  every_n_epochs: 1,
  dataset_key: "test",
  batch_size: 2,
};
const EMA = {
  kind: "noether.core.callbacks.EmaCallback",
  every_n_epochs: 1,
  target_factors: [0.5],
  save_latest_weights: true,
};

function resumeFrom(run_id: string, checkpoint_tag: unknown): Record<string, unknown> {
  return { kind: "noether.core.initializers.ResumeInitializer", run_id, checkpoint_tag, model_name: "small" };
}

/** Draws random numbers, as an evaluation with random sampling does. */
class Gambler extends PeriodicCallback {
  override periodicCallback(): void {
    rand([10]);
  }
}

/** A run of 5 epochs (15 updates), with callbacks that evaluate, save and draw random numbers. */
function run(runId: string, trainer: Record<string, unknown> = {}) {
  const built = smallRun({
    outputRootPath: folder.path,
    runId,
    trainer: { max_epochs: 5, callbacks: [OFFLINE_LOSS, CHECKPOINTS, EMA], ...trainer },
    // A resumed run starts from other random numbers and other initial weights.
    seed: runId === "whole" ? 0 : runId.startsWith("part") ? 0 : 99,
  });
  built.trainer.extraCallbacks = (dependencies) => [
    new Gambler({ every_n_updates: 1 }, dependencies),
    ...(runId.startsWith("part")
      ? [
          new FixedEarlyStopper(
            { stop_at_update: Number(runId.slice(4)), stop_at_epoch: null, stop_at_sample: null },
            dependencies,
          ),
        ]
      : []),
  ];
  return built;
}

/** Files of a checkpoint as plain values. */
function read(runId: string, name: string): unknown {
  return load(join(folder.path, runId, "checkpoints", name));
}

let whole: ReturnType<typeof weightsOf>;
beforeAll(async () => {
  const { trainer, model } = run("whole");
  await trainer.train(model);
  whole = weightsOf(model);
});

test.each([
  ["at the end of an epoch", 6, { epoch: 2 }],
  ["at the end of an epoch, by its latest checkpoint", 6, "latest"],
  ["inside the first epoch", 2, "E0_U2_S8.early_exit"],
  ["inside a later epoch", 10, "E3_U10_S40.early_exit"],
  ["inside a later epoch, by its last checkpoint", 10, "last"],
])("interrupted %s", async (_, update, tag) => {
  const part = run(`part${update}`);
  await part.trainer.train(part.model);
  expect(part.trainer.updateCounter.update).toBe(update);
  expect(weightsOf(part.model)).not.toEqual(whole);

  const resumed = run(`resumed${update}${typeof tag === "string" ? tag : ""}`, {
    initializer: resumeFrom(`part${update}`, tag),
  });
  expect(weightsOf(resumed.model)).not.toEqual(weightsOf(part.model));
  await resumed.trainer.train(resumed.model);
  expect(resumed.trainer.updateCounter.isFinished).toBe(true);
  expect(weightsOf(resumed.model)).toEqual(whole);
});

test("optimizer and averaged weights of the last checkpoints are the same, too", () => {
  const resumed = readdirSync(folder.path).filter((name) => name.startsWith("resumed"));
  expect(resumed.length).toBeGreaterThan(3);
  const plain = (value: unknown): string =>
    JSON.stringify(toMap(value), (_key, item: unknown) =>
      item instanceof Map
        ? [...item]
        : item && typeof item === "object" && "toArray" in item
          ? (item as { toArray(): unknown }).toArray()
          : item,
    );
  for (const runId of resumed) {
    for (const name of ["small_cp=E5_U15_S60_optim.th"])
      expect(plain(read(runId, name))).toBe(plain(read("whole", name)));
    const average = (id: string) =>
      plain((read(id, "small_ema=0.5_cp=last_model.th") as { state_dict: unknown }).state_dict);
    expect(average(runId)).toBe(average("whole"));
  }
});

test("a run with gradient accumulation, interrupted inside an epoch", async () => {
  const accumulation = {
    max_batch_size: 2,
    disable_gradient_accumulation: false,
    max_epochs: 4,
    callbacks: [CHECKPOINTS],
  };
  const full = run("whole", accumulation);
  await full.trainer.train(full.model);
  const part = run("part4", accumulation);
  await part.trainer.train(part.model);
  const resumed = run("again", { ...accumulation, initializer: resumeFrom("part4", "last") });
  await resumed.trainer.train(resumed.model);
  expect(weightsOf(resumed.model)).toEqual(weightsOf(full.model));
});

test("a checkpoint without optimizer: weights, place and states of callbacks; a model without optimizer asks for none", async () => {
  class Counting extends PeriodicCallback {
    counter = 0;
    override stateDict() {
      return { counter: this.counter };
    }
    override loadStateDict({ counter }: { counter: number }): void {
      this.counter = counter;
    }
  }
  // 50 updates of 2 samples an epoch
  const build = (runId: string, trainer: Record<string, unknown>) => {
    const frozen = { optimizer_config: null, is_frozen: true };
    const size = { dataContainer: smallData(100), model: frozen };
    const built = smallRun({ outputRootPath: folder.path, runId, ...size, trainer: { effective_batch_size: 2, ...trainer } }); // prettier-ignore
    let callback!: Counting;
    built.trainer.extraCallbacks = (dependencies) => [
      (callback = new Counting({ every_n_epochs: 1, id: "counting" }, dependencies)),
    ];
    return { ...built, callback: () => callback };
  };
  const first = build("saved", { start_at_epoch: 1, max_epochs: 1 });
  noGrad(() => first.model.parameters().forEach((parameter, i) => parameter.fill_(i % 2 === 0 ? 1 : 2)));
  await first.trainer.train(first.model);
  first.callback().counter = 42;
  first.trainer.checkpointWriter.save({ model: first.model, checkpointTag: "E1_U50_S100", trainer: first.trainer });
  const files = readdirSync(join(folder.path, "saved", "checkpoints")).filter((name) => name.endsWith(".th"));
  expect(files.sort()).toEqual(["small_cp=E1_U50_S100_model.th", "small_cp=E1_U50_S100_trainer.th"]);

  const second = build("resumed", { max_epochs: 1, initializer: resumeFrom("saved", "E1_U50_S100") });
  expect(String(second.trainer.startCheckpoint)).toBe("E1_U50_S100");
  await second.trainer.train(second.model);
  expect(weightsOf(second.model)).toEqual(weightsOf(first.model));
  expect(second.callback().counter).toBe(42);
});

test("the trainer asks its initializer for trainer, weights, optimizer and callbacks, in this order", async () => {
  const calls: unknown[][] = [];
  class Noting extends InitializerBase {
    override initTrainer(...args: unknown[]): void {
      calls.push(["initTrainer", ...args]);
    }
    override initWeights(...args: unknown[]): void {
      calls.push(["initWeights", ...args]);
    }
    override initOptimizer(...args: unknown[]): void {
      calls.push(["initOptimizer", ...args]);
    }
    override initCallbacks(...args: unknown[]): void {
      calls.push(["initCallbacks", ...args]);
    }
  }
  register("test.resume.Noting", { class: Noting });
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    runId: "noted",
    trainer: { max_epochs: 0, initializer: { kind: "test.resume.Noting" } },
  });
  await trainer.train(model);
  expect(calls).toEqual([
    ["initTrainer", trainer],
    ["initWeights", model],
    ["initOptimizer", model],
    ["initCallbacks", trainer.callbacks, model],
  ]);
});

test("a finished run that is resumed trains no further", async () => {
  const { trainer, model } = run("again2", { initializer: resumeFrom("whole", { epoch: 4 }), max_epochs: 4 });
  await trainer.train(model);
  expect(trainer.updateCounter.update).toBe(12);
});

test("looking for a run that does not exist leaves nothing behind", () => {
  expect(() => run("x", { initializer: resumeFrom("mistyped", "latest") })).toThrow("mistyped");
  expect(existsSync(join(folder.path, "mistyped"))).toBe(false);
});

test("other data or another batch size is refused", () => {
  expect(() => run("x", { initializer: resumeFrom("whole", "latest"), effective_batch_size: 3 })).toThrow(
    "resume with the data and batch size",
  );
});

test("start_at_epoch and an initializer exclude each other", () => {
  expect(() => run("x", { initializer: resumeFrom("whole", "latest"), start_at_epoch: 1 })).toThrow("start_at_epoch");
});
