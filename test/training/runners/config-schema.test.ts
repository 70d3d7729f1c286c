import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { register } from "../../../lib/config/registry";
import { configClassOf, dumpConfig, int, tag, validateConfig } from "../../../lib/config/schema";
import { AnyInitializer } from "../../../lib/core/initializers";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { ResumeInitializerConfig } from "../../../lib/initializers";
import { ConfigSchema, setAcceleratorDetection } from "../../../lib/training/runners/config-schema";
import { BaseTrainerConfig } from "../../../lib/training/trainers/base-trainer-config";

beforeAll(() => {
  register("test.root.Model", { schema: ModelBaseConfig });
  register("test.root.Trainer", { schema: BaseTrainerConfig });
  register("test.root.Dataset", { schema: DatasetBaseConfig });
});

const trainer = { kind: "test.root.Trainer", max_epochs: 1, effective_batch_size: 1, callbacks: null };
const root = (more: object = {}) => ({
  datasets: { train: { kind: "test.root.Dataset" } },
  model: { kind: "test.root.Model", name: "m" },
  trainer,
  output_path: "./outputs",
  ...more,
});
const parse = (more: object) => ConfigSchema.parse(root(more));
const problem = (more: object) => {
  try {
    validateConfig(ConfigSchema, root(more));
  } catch (error) {
    return (error as Error).message;
  }
  return "valid";
};

describe("ConfigSchema", () => {
  test("defaults", () => {
    setAcceleratorDetection(() => "cpu");
    expect(parse({})).toMatchObject({
      accelerator: "cpu",
      seed: 0,
      tracker: null,
      run_id: null,
      devices: null,
      debug: false,
      store_code_in_output: true,
      cudnn_benchmark: true,
    });
  });
  test("what a subclass of a part has is written with it, of the tracker too", () => {
    const Own = ModelBaseConfig.extend("OwnModelConfig", { fields: { kind: tag("test.root.OwnModel"), width: int() } });
    register("test.root.OwnModel", { schema: Own });
    const tracker = {
      ...{ kind: "noether.core.trackers.WandBTracker", project: "cars", entity: "aero", mode: "offline" },
    };
    // as a program builds it, with classes instead of text
    const built = parse({ tracker, model: Own.create({ name: "m", width: 7 }) });
    expect(dumpConfig(built)).toMatchObject({
      tracker,
      model: { kind: "test.root.OwnModel", width: 7 },
    });
    expect(ConfigSchema.parse(dumpConfig(built))).toEqual(built);
  });

  test("helper keys are dropped, the best accelerator is asked for", () => {
    setAcceleratorDetection(() => "gpu");
    const config = parse({ callbacks: [], config_schema_kind: "x" });
    expect(Object.keys(config)).not.toContain("callbacks");
    expect(config.accelerator).toBe("gpu");
  });
  test.each([
    ["run_id", "../escape"],
    ["run_id", "/absolute"],
    ["stage_name", "a/../../b"],
    ["resume_run_id", ".."],
    ["resume_stage_name", "a\0b"],
    ["resume_checkpoint", "../latest"],
    ["model", { kind: "test.root.Model", name: "../m" }, "model.name"],
    [
      "model",
      {
        kind: "test.root.Model",
        name: "m",
        initializers: [
          { kind: "noether.core.initializers.PreviousRunInitializer", run_id: "..", checkpoint_tag: "a/b" },
        ],
      },
      "model.initializers.0.run_id",
    ],
  ])("%s %j would lead out of the output root", (key, value, path: string = key) => {
    expect(problem({ [key]: value })).toContain(`${path}: expected a `);
  });
  test("a stage may be empty, a run id may have a folder", () => {
    expect(parse({ stage_name: "", run_id: "sweep/0", resume_stage_name: "" })).toMatchObject({ run_id: "sweep/0" });
  });
  test("paths become absolute", () => {
    expect(parse({}).output_path).toBe(resolve("outputs"));
    expect(parse({ output_path: "~/runs" }).output_path).toBe(join(homedir(), "runs"));
  });
  test("without output_path runs are in slurm.folder", () => {
    expect(parse({ output_path: null, slurm: { folder: "/jobs" } }).output_path).toBe("/jobs");
    expect(parse({ output_path: "x", slurm: { folder: "/jobs" } }).output_path).toBe(resolve("x"));
    expect(parse({ output_path: undefined, slurm: {} }).output_path).toBe(resolve("submitit_logs"));
    expect(problem({ output_path: null })).toMatch(/^output_path: .*expected a path .*received nothing/);
  });
  test.each([["disabled"], ["DISABLED"], [{}], [null], [undefined]])("tracker %j is none", (tracker) => {
    expect(parse({ tracker }).tracker).toBeNull();
  });
  test("a port is taken, drawn from a range, or from the environment", () => {
    expect(parse({ master_port: 1234 }).master_port).toBe(1234);
    expect(parse({ master_port: [5, 5] }).master_port).toBe(5);
    expect(problem({ master_port: null })).toMatch(/master_port: expected a port/);
    const before = process.env["MASTER_PORT"];
    try {
      process.env["MASTER_PORT"] = "4321";
      expect(parse({}).master_port).toBe(4321);
      process.env["MASTER_PORT"] = "port";
      expect(problem({})).toMatch(/MASTER_PORT/);
    } finally {
      if (before === undefined) delete process.env["MASTER_PORT"];
      else process.env["MASTER_PORT"] = before;
    }
  });
  test.each([
    [{ devices: 0 }, "devices: expected a string, received the number 0"],
    [{ run_id: 5 }, "run_id: expected a string, received the number 5"],
    [{ accelerator: "tpu" }, 'accelerator: expected "cpu" or "gpu" or "mps", received the string "tpu"'],
    [{ tracker: "wandb" }, 'tracker: expected a mapping with "kind" or the word disabled, received "wandb"'],
    [
      { tracker: { kind: "noether.core.trackers.WandbTracker" } },
      'tracker.kind: unknown kind "noether.core.trackers.WandbTracker"; did you mean "noether.core.trackers.WandBTracker" or "noether.core.trackers.wandb_tracker.WandBTracker"?',
    ],
    [{ datasets: {} }, "datasets: expected at least one data set, received an empty mapping"],
    [{ model: { name: "m" } }, 'model: missing "kind": expected the class of this ModelBaseConfig'],
    [
      { model: { kind: "test.root.Trainer" } },
      'model.kind: expected the kind of a ModelBaseConfig, but "test.root.Trainer" is configured by BaseTrainerConfig',
    ],
    [{ model: null }, "model: expected a mapping (ModelBaseConfig), received null"],
    [
      { cudnn_deterministic: true },
      "cudnn_deterministic: expected cudnn_benchmark: false together with cudnn_deterministic: true",
    ],
  ])("%j: %s", (more, message) => {
    expect(problem(more)).toBe(message);
  });
});

describe("settings of what a run cannot do", () => {
  test.each([
    [{ num_workers: -1 }, "num_workers: expected an integer >= 0, received the number -1"],
    [
      { trainer: { ...trainer, callbacks: [{ kind: "boilerplate_project.callbacks.BoilerplateCallback" }] } },
      /^trainer.callbacks.0.kind: .* is a class of a template/,
    ],
  ])("%j", (more, message) => {
    expect(problem({ accelerator: "cpu", ...more })).toMatch(message);
  });

  test.each([
    // what shipped configs and stored runs hold
    { num_workers: 10, cudnn_benchmark: true, cudnn_deterministic: false, master_port: 12345 },
    { num_workers: 0, trainer: { ...trainer, find_unused_params: true, static_graph: true } },
    { accelerator: "cpu", cudnn_benchmark: false, cudnn_deterministic: true },
    { accelerator: "gpu", cudnn_benchmark: true },
    { accelerator: "gpu", cudnn_benchmark: false, cudnn_deterministic: true },
  ])("%j asks for nothing that is missing", (more) => {
    expect(problem(more)).toBe("valid");
  });
});

describe("BaseTrainerConfig", () => {
  const fails = (more: object) => problem({ trainer: { ...trainer, ...more } });
  test.each([
    [{ max_epochs: null }, "trainer: expected exactly one of max_epochs, max_updates and max_samples, received none"],
    [{ max_updates: 3 }, "trainer: expected exactly one of max_epochs, max_updates and max_samples, received 2"],
    [
      { log_every_n_epochs: 1, log_every_n_updates: 1 },
      "trainer: expected at most one of log_every_n_epochs and log_every_n_updates",
    ],
    [{ log_every_n_epochs: 0 }, "trainer.log_every_n_epochs: expected an integer >= 1, received the number 0"],
    [
      { dataloader_prefetch_factor: 0 },
      "trainer.dataloader_prefetch_factor: expected an integer >= 1, received the number 0",
    ],
    [{ callbacks: undefined }, "trainer.callbacks: missing value: expected a list, received nothing"],
    [{ precision: "double" }, /trainer.precision: expected "float32" or .*received the string "double"/],
  ])("%j", (more, message) => {
    expect(fails(more)).toMatch(message);
  });
  test.each([
    [{}, true],
    [{ max_batch_size: null }, true],
    [{ max_batch_size: 2 }, false],
    [{ max_batch_size: 2, disable_gradient_accumulation: true }, true],
  ])("%j: gradient accumulation is disabled: %s", (more, disabled) => {
    const config = BaseTrainerConfig.create({ ...trainer, ...more });
    expect(config.disable_gradient_accumulation).toBe(disabled);
  });
  test.each([
    ["1.1", "1.1"],
    [1.1, "1.1"],
    [2026.4, "2026.4"],
    [undefined, "2026.4"],
  ])("checkpoint_format %j is %s", (checkpoint_format, expected) => {
    expect(BaseTrainerConfig.create({ ...trainer, checkpoint_format } as never).checkpoint_format).toBe(expected);
  });
  test("another checkpoint_format is refused", () => {
    expect(fails({ checkpoint_format: "1.0" })).toBe(
      'trainer.checkpoint_format: expected "2026.4" or "1.1", received the string "1.0"',
    );
  });
  test("nothing is read ahead without workers", () => {
    const more = { trainer: { ...trainer, dataloader_prefetch_factor: 2 } };
    expect(problem({ ...more, num_workers: 0 })).toMatch(
      /^trainer.dataloader_prefetch_factor: expected null with num_/,
    );
    expect([problem({ ...more, num_workers: 1 }), problem(more)]).toEqual(["valid", "valid"]);
  });
  test("both intervals are fine without default callbacks", () => {
    expect(fails({ log_every_n_epochs: 1, log_every_n_updates: 1, add_default_callbacks: false })).toBe("valid");
  });
});

describe("initializers", () => {
  const kind = (name: string) => `noether.core.initializers.${name}`;
  test("the kind chooses the class, also in the trainer", () => {
    const config = AnyInitializer.parse({
      kind: kind("PreviousRunInitializer"),
      run_id: "r",
      checkpoint_tag: "latest",
      keys_to_remove: ["a"],
    });
    expect(configClassOf(config)?.configName).toBe("PreviousRunInitializerConfig");
    expect(
      problem({
        trainer: { ...trainer, initializer: { kind: kind("ResumeInitializer"), run_id: "r", model_name: "m" } },
      }),
    ).toBe("valid");
  });
  test("what is required, and what is refused", () => {
    expect(ResumeInitializerConfig.safeParse({ run_id: "r" }).success).toBe(false);
    expect(ResumeInitializerConfig.create({ run_id: "r", model_name: "m" }).load_optim).toBe(true);
    expect(AnyInitializer.safeParse({ run_id: "r" } as never).success).toBe(false);
    expect(AnyInitializer.safeParse({ kind: kind("CheckpointInitializer"), run_id: "r" }).success).toBe(false);
    expect(AnyInitializer.safeParse({ kind: kind("PreviousRunInitializer"), run_id: 5.5 }).success).toBe(false);
    // the id that a job of Slurm gives its run
    expect(AnyInitializer.parse({ kind: kind("PreviousRunInitializer"), run_id: 4711 })).toMatchObject({
      run_id: "4711",
    });
  });
});
