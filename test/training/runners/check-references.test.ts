import "../../../lib/data";
import "../../../lib/modeling";
import "../../../lib/training";
import "../../../lib/core";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { composeConfig } from "../../../lib/config";
import { ConfigError } from "../../../lib/config/errors";
import { register } from "../../../lib/config/registry";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { loadRunConfig } from "../../../lib/training/runners";
import { checkReferences } from "../../../lib/training/runners/check-references";
import { ConfigSchema } from "../../../lib/training/runners/config-schema";
import { BaseTrainerConfig } from "../../../lib/training/trainers/base-trainer-config";
import experiments from "../../config/compose/fixtures/experiments.json";

beforeAll(() => {
  register("test.references.Model", { schema: ModelBaseConfig });
  register("test.references.Trainer", { schema: BaseTrainerConfig });
  register("test.references.Dataset", { schema: DatasetBaseConfig });
});

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "noether-references-"))));
afterEach(() => rmSync(root, { recursive: true }));
const touch = (...files: string[]): void => {
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "");
  }
};
const OFFLINE = "noether.training.callbacks.OfflineLossCallback";
const write = (text: string): string => {
  writeFileSync(
    join(root, "config.yaml"),
    `output_path: ${root}/out
datasets: { train: { kind: test.references.Dataset }, test: { kind: test.references.Dataset } }
model: { kind: test.references.Model, name: net }
trainer:
  kind: test.references.Trainer
  max_epochs: 1
  effective_batch_size: 1
  callbacks: null
${text}`,
  );
  return join(root, "config.yaml");
};
/** What is wrong with a config: path and message of each problem. */
async function problems(text: string, overrides: string[] = [], purpose: object = {}): Promise<[string, string][]> {
  try {
    await loadRunConfig(composeConfig({ file: write(text), overrides }), purpose);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => [path, message]);
  } finally {
    expect(existsSync(join(root, "out", "new"))).toBe(false);
  }
}

test("a config that refers to what is there has no problems", async () => {
  touch("out/old/train/checkpoints/net_cp=latest_trainer.th");
  expect(await problems("resume_run_id: old\nresume_stage_name: train\nrun_id: new\n")).toEqual([]);
});

test("all problems come together, with their places: also beside an unknown kind", async () => {
  const file = write("resume_run_id: oldd\nmax_epoch: 5\nseed: x\n");
  touch("out/old/checkpoints/net_cp=latest_trainer.th");
  const overrides = [
    "model.kind=./nowhere.ts#Model",
    "+model.optimizer_config={kind: torch.optim.AdamWW}",
    `trainer.callbacks=[{kind: ${OFFLINE}, every_n_epochs: 1, dataset_key: tset}]`,
  ];
  const load = loadRunConfig(composeConfig({ file, overrides }), {});
  const error = await load.then(
    () => null,
    (reason: unknown) => reason as ConfigError,
  );
  expect(error?.problems.map(({ path, location }) => [path, location?.line ?? location?.file])).toEqual([
    ["model.kind", 'override "model.kind=./nowhere.ts#Model"'],
    ["trainer.callbacks.0.dataset_key", expect.stringContaining("override")],
    ["resume_run_id", 9],
    ["max_epoch", 10],
    ["seed", 11],
    ["model.optimizer_config.kind", expect.stringContaining("override")],
  ]);
  expect(readdirSync(join(root, "out"))).toEqual(["old"]);
});

test("data sets of callbacks, also of callbacks within callbacks", async () => {
  const callback = (key: string) => `{kind: ${OFFLINE}, every_n_epochs: 1, dataset_key: ${key}}`;
  const text = (key: string) => [`trainer.callbacks=[${callback("test")}, ${callback(key)}]`];
  expect(await problems("", text("train"))).toEqual([]);
  expect(await problems("", text("tset"))).toEqual([
    ["trainer.callbacks.1.dataset_key", 'expected the key of a data set, received "tset"; did you mean "test"?'],
  ]);
});

describe("the run that is continued", () => {
  beforeEach(() =>
    touch(
      "out/old/train/checkpoints/net_cp=latest_trainer.th",
      "out/old/train/checkpoints/net_cp=E2_U8_S16_trainer.th",
      "out/old/train/checkpoints/net_cp=best_model.loss_model.th",
      "out/old/train/checkpoints/net_ema=0.9_cp=latest_model.th",
      "out/plain/checkpoints/net.part_cp=last_model.th",
      "out/debug/tried/checkpoints/net_cp=latest_trainer.th",
    ),
  );
  test.each([
    ["resume_run_id: olt", "resume_run_id", /received "olt"; did you mean "old"\?/],
    ["resume_run_id: old", "resume_stage_name", /expected a stage of run "old", received nothing; known: "train"/],
    ["resume_run_id: old\nresume_stage_name: trian", "resume_stage_name", /received "trian"; did you mean "train"\?/],
    [
      "resume_run_id: old\nresume_stage_name: train\nresume_checkpoint: last",
      "resume_checkpoint",
      /received "last"; there are E2_U8_S16, latest/,
    ],
    ["resume_run_id: old\nresume_stage_name: train\nresume_checkpoint: E3", "resume_checkpoint", /received "E3"/],
    [
      "resume_run_id: old\nresume_stage_name: train\nresume_checkpoint: best_model.loss",
      "resume_checkpoint",
      /received "best_model.loss"/,
    ],
    ["resume_run_id: plain", "resume_checkpoint", /received "latest"; it has none/],
  ])("%j", async (text, path, message) => {
    expect(await problems(`${text}\n`)).toEqual([[path, expect.stringMatching(message)]]);
  });

  test.each([
    "resume_run_id: old\nresume_stage_name: train\nresume_checkpoint: E2",
    "resume_run_id: old\nresume_stage_name: train\nresume_checkpoint: U8",
    "resume_run_id: old\nresume_stage_name: train\nresume_checkpoint: E2_U8_S16",
    "resume_run_id: tried\ndebug: true",
  ])("%j is there", async (text) => expect(await problems(`${text}\n`)).toEqual([]));

  test("an evaluation needs weights only, below its own root", async () => {
    const purpose = { resumeWith: "weights", resumeOutputPath: join(root, "out") };
    const at = (run: string, checkpoint: string, more = {}) =>
      problems(
        `resume_run_id: ${run}\nresume_stage_name: ${run === "old" ? "train" : '""'}\nresume_checkpoint: ${checkpoint}\n`,
        ["output_path=/nowhere"],
        { ...purpose, ...more },
      );
    expect(await at("old", "best_model.loss")).toEqual([]);
    expect(await at("old", "latest", { resumeModelInfo: "ema=0.9" })).toEqual([]);
    expect(await at("plain", "last")).toEqual([]);
    expect(await at("old", "latest")).toEqual([
      ["resume_checkpoint", expect.stringContaining('expected a checkpoint of weights of model "net"')],
    ]);
  });
});

test("runs that initializers read", async () => {
  touch("out/old/checkpoints/net_cp=last_model.th", "elsewhere/far/checkpoints/net_cp=last_model.th");
  const initializer = (more: string) =>
    `+model.initializers=[{kind: noether.core.initializers.PreviousRunInitializer, checkpoint_tag: last, ${more}}]`;
  expect(await problems("", [initializer("run_id: old")])).toEqual([]);
  expect(await problems("", [initializer(`run_id: far, output_path: ${root}/elsewhere`)])).toEqual([]);
  expect(await problems("", [initializer("run_id: far")])).toEqual([
    ["model.initializers.0.run_id", expect.stringContaining('received "far"')],
  ]);
});

test("the folder of another run", async () => {
  touch("out/old/hp_resolved.yaml");
  expect(await problems("run_id: old\n")).toEqual([["run_id", expect.stringContaining("resume_run_id: old")]]);
});

describe("keys of the root that nothing reads", () => {
  test.each([
    ["max_epochs: 5", "max_epochs", '"trainer.max_epochs"'],
    ["max_epoch: 5", "max_epoch", '"trainer.max_epochs"'],
    ["sede: 3", "sede", '"seed"'],
    ["is_frozn: true", "is_frozn", '"model.is_frozen"'],
  ])("%s is a slip", async (text, path, meant) => {
    expect(await problems(`${text}\n`)).toEqual([[path, expect.stringContaining(`did you mean ${meant}?`)]]);
  });
  test.each(["helper: 1", "max_epoch: 5\nname: run_${max_epoch}", "callback: []", "optimizer: { lr: 1 }"])(
    "%j is a helper",
    async (text) => {
      expect(await problems(`${text}\n`)).toEqual([]);
    },
  );
  test.each(experiments.map(({ name, overrides }) => [name, overrides] as const))(
    "none of %s %j is one",
    (name, overrides) => {
      const file = join(__dirname, "../../../examples/aerodynamics/configs", `${name}.yaml`);
      const composed = composeConfig({ file, overrides });
      const found = checkReferences(
        { ...composed.plain, output_path: root },
        ConfigSchema as never,
        {},
        composed.mentions,
      );
      expect(found).toEqual([]);
    },
  );
});
