import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { load, nn, type Tensor } from "../../../lib/torch";
import { setDistributedConfig } from "../../../lib/core/distributed";
import type { CallbackBase } from "../../../lib/core/callbacks";
import { CompositeModel, Model, type ModelBase } from "../../../lib/core/models";
import { PathProvider } from "../../../lib/core/providers";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { CheckpointWriter } from "../../../lib/core/writers";
import { temporaryFolder } from "../../support/small-run";

class Small extends Model {
  readonly linear = new nn.Linear(2, 2);
  override forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

class Pair extends CompositeModel {
  constructor(
    name: string,
    readonly encoder: ModelBase,
    readonly decoder: ModelBase | null,
  ) {
    super(ModelBaseConfig.create({ kind: "Pair", name }));
  }
  override get submodels(): Record<string, ModelBase | null> {
    return { encoder: this.encoder, decoder: this.decoder };
  }
  override forward(x: Tensor): Tensor {
    return x;
  }
}

const small = (name: string, extra: object = {}) =>
  new Small(
    ModelBaseConfig.create({ kind: "Small", name, optimizer_config: { kind: "torch.optim.AdamW", lr: 1 }, ...extra }),
  ).initialize();

let folder: ReturnType<typeof temporaryFolder>;
let paths: PathProvider;
let writer: CheckpointWriter;
beforeEach(() => {
  folder = temporaryFolder();
  paths = new PathProvider({ outputRootPath: folder.path, runId: "run" });
  const updateCounter = new UpdateCounter({
    startIteration: new TrainingIteration(2, 20, 80),
    endIteration: new TrainingIteration(5),
    updatesPerEpoch: 10,
    effectiveBatchSize: 4,
  });
  writer = new CheckpointWriter({ pathProvider: paths, updateCounter });
});
afterEach(() => {
  setDistributedConfig(null);
  folder.remove();
});
const files = (): string[] => (existsSync(paths.checkpointPath) ? readdirSync(paths.checkpointPath).sort() : []);
const read = (name: string) => load<Record<string, unknown>>(join(paths.checkpointPath, name));
const trainer = { stateDict: jest.fn(() => new Map<string, unknown>([["callback_state_dicts", new Map()]])) };

describe("one model file", () => {
  test.each([
    ["encoder", "E2_U20_S80", null, "encoder_cp=E2_U20_S80_model.th"],
    ["dec", "latest", "", "dec_cp=latest_model.th"],
    ["enc", "E1", "ema", "enc_ema_cp=E1_model.th"],
  ])("is named after %s, %s, %s", (modelName, checkpointTag, modelInfo, expected) => {
    writer.saveModelCheckpoint({ modelName, checkpointTag, stateDict: small("x").stateDict(), modelInfo });
    expect(files()).toEqual([expected]);
  });

  test("holds weights, tag, progress, run, extras and configuration in this order", () => {
    const model = small("x");
    writer.saveModelCheckpoint({
      modelName: "x",
      checkpointTag: "E2_U20_S80",
      stateDict: model.stateDict(),
      modelConfig: model.modelConfig,
      extra: { ema: 0.5 },
    });
    const content = read("x_cp=E2_U20_S80_model.th");
    expect(Object.keys(content)).toEqual([
      "state_dict",
      "checkpoint_tag",
      "training_iteration",
      "run_id",
      "ema",
      "model_config",
      "config_kind",
    ]);
    expect(content).toMatchObject({
      checkpoint_tag: "E2_U20_S80",
      training_iteration: { epoch: 2, update: 20, sample: 80 },
      run_id: "run",
      ema: 0.5,
      config_kind: "noether.core.schemas.models.base.ModelBaseConfig",
    });
    expect(content["model_config"]).toMatchObject({
      kind: "Small",
      name: "x",
      is_frozen: false,
      optimizer_config: { lr: 1, weight_decay: 0, clip_grad_norm: null },
    });
    expect([...(content["state_dict"] as Map<string, unknown>).keys()]).toEqual(["linear.weight", "linear.bias"]);
  });

  test("without a configuration holds none", () => {
    writer.saveModelCheckpoint({ modelName: "x", checkpointTag: "a", stateDict: small("x").stateDict() });
    expect(Object.keys(read("x_cp=a_model.th"))).toEqual([
      "state_dict",
      "checkpoint_tag",
      "training_iteration",
      "run_id",
    ]);
  });
});

describe("a checkpoint", () => {
  test("of a model has weights and optimizer", () => {
    writer.save({ model: small("enc"), checkpointTag: "E2" });
    expect(files()).toEqual(["enc_cp=E2_model.th", "enc_cp=E2_optim.th"]);
  });

  test("has a trainer file under the tags that were written", () => {
    writer.save({
      model: small("enc"),
      checkpointTag: "E2",
      trainer,
      saveWeights: false,
      saveOptim: false,
      saveLatestWeights: true,
    });
    expect(files()).toEqual(["enc_cp=latest_model.th", "enc_cp=latest_trainer.th"]);
    expect(Object.keys(read("enc_cp=latest_trainer.th"))).toEqual(["callback_state_dicts"]);
  });

  test("of a composite has a file for each submodel, also of nested ones", () => {
    const inner = new Pair("inner", small("a"), null);
    writer.save({ model: new Pair("outer", inner, small("b")), checkpointTag: "t", saveOptim: false, trainer });
    expect(files()).toEqual([
      "outer.decoder_cp=t_model.th",
      "outer.encoder.encoder_cp=t_model.th",
      "outer_cp=t_trainer.th",
    ]);
  });

  test("leaves out models that were not asked for, and frozen ones on request", () => {
    const pair = new Pair("p", small("a"), small("b", { optimizer_config: null, is_frozen: true }));
    writer.save({ model: pair, checkpointTag: "named", modelNamesToSave: ["b"] });
    writer.save({ model: pair, checkpointTag: "thawed", saveFrozenWeights: false, saveOptim: false });
    expect(files()).toEqual(["p.decoder_cp=named_model.th", "p.encoder_cp=thawed_model.th"]);
  });

  test("is written by the first process only, but every process is asked for the trainer's state", () => {
    setDistributedConfig({ getRank: () => 1, getWorldSize: () => 2, getNumNodes: () => 1 });
    trainer.stateDict.mockClear();
    writer.save({ model: small("enc"), checkpointTag: "E2", trainer });
    expect(files()).toEqual([]);
    expect(trainer.stateDict).toHaveBeenCalledTimes(1);
  });
});

describe("when writing fails", () => {
  /** A trainer state that no file can hold: the third file of a checkpoint fails. */
  const broken = { stateDict: () => new Map<string, unknown>([["x", () => undefined]]) };

  test("nothing of the checkpoint is replaced, and nothing is left behind", () => {
    const model = small("enc");
    writer.save({ model, checkpointTag: "latest", trainer });
    const before = files().map((name) => readFileSync(join(paths.checkpointPath, name)));
    expect(() => writer.save({ model, checkpointTag: "latest", trainer: broken })).toThrow(
      /enc_cp=latest_trainer.th.*files that were there before are unchanged/,
    );
    expect(files()).toEqual(["enc_cp=latest_model.th", "enc_cp=latest_optim.th", "enc_cp=latest_trainer.th"]);
    expect(files().map((name) => readFileSync(join(paths.checkpointPath, name)))).toEqual(before);
  });

  test("an output folder that cannot be written names the file and the reason", () => {
    writeFileSync(join(folder.path, "run"), "a file where the run's folder should be");
    expect(() => writer.save({ model: small("enc"), checkpointTag: "E2" })).toThrow(
      /cannot write checkpoint file.*enc_cp=E2_model.th/,
    );
  });

  test("a folder without permission", () => {
    mkdirSync(paths.checkpointPath, { recursive: true });
    chmodSync(paths.checkpointPath, 0o500);
    try {
      const write = () => writer.save({ model: small("enc"), checkpointTag: "E2" });
      // The administrator may write everywhere.
      if (process.getuid?.() === 0) write();
      else expect(write).toThrow("cannot write checkpoint file");
    } finally {
      chmodSync(paths.checkpointPath, 0o700);
    }
  });
});

describe("what is saved while it is held", () => {
  const state = (name: string) => (read(name)["callback_state_dicts"] as Map<string, unknown>) ?? null;

  test("becomes visible together, with the trainer's state of the end", () => {
    let seen = 0;
    const counting = { stateDict: () => new Map<string, unknown>([["callback_state_dicts", { seen: ++seen }]]) };
    writer.hold([]);
    writer.save({ model: small("enc"), checkpointTag: "E2", trainer: counting });
    writer.saveModelCheckpoint({ modelName: "dec", checkpointTag: "E2", stateDict: small("dec").stateDict() });
    expect([files().filter((name) => name.endsWith(".th")), seen]).toEqual([[], 0]);
    writer.commit();
    expect(files()).toEqual(["dec_cp=E2_model.th", "enc_cp=E2_model.th", "enc_cp=E2_optim.th", "enc_cp=E2_trainer.th"]);
    expect([seen, state("enc_cp=E2_trainer.th")]).toEqual([1, { seen: 1 }]);
    writer.save({ model: small("enc"), checkpointTag: "E3" });
    expect(files()).toContain("enc_cp=E3_model.th");
  });

  test("is dropped as a whole when a part of it fails", () => {
    const model = small("enc");
    writer.save({ model, checkpointTag: "latest", trainer });
    const before = files().map((name) => readFileSync(join(paths.checkpointPath, name)));
    writer.hold([]);
    writer.save({ model, checkpointTag: "latest" });
    expect(() =>
      writer.saveModelCheckpoint({
        modelName: "dec",
        checkpointTag: "t",
        stateDict: new Map([["w", null as never]]),
        extra: { x: Symbol("x") },
      }),
    ).toThrow("dec_cp=t_model.th");
    writer.commit();
    expect(files()).toEqual(["enc_cp=latest_model.th", "enc_cp=latest_optim.th", "enc_cp=latest_trainer.th"]);
    expect(files().map((name) => readFileSync(join(paths.checkpointPath, name)))).toEqual(before);
  });

  test("asks every callback for what belongs to the same checkpoints, until nothing more comes", () => {
    const asked: string[] = [];
    const model = small("enc");
    const callback = {
      completeCheckpoint: (tag: string, { resumable }: { resumable: boolean }) => {
        asked.push(`${tag} ${resumable}`);
        if (tag === "E2") writer.save({ model, checkpointTag: "latest", trainer });
      },
    } as unknown as CallbackBase;
    writer.hold([callback]);
    writer.save({ model, checkpointTag: "E2", saveOptim: false });
    writer.commit();
    expect(asked).toEqual(["E2 false", "latest true"]);
    expect(files()).toEqual([
      "enc_cp=E2_model.th",
      "enc_cp=latest_model.th",
      "enc_cp=latest_optim.th",
      "enc_cp=latest_trainer.th",
    ]);
  });
});

test("a model's name with a separator is refused before anything is written", () => {
  const model = small("enc");
  model.name = "../enc";
  expect(() => writer.save({ model, checkpointTag: "E2" })).toThrow('without "/"');
  expect(files()).toEqual([]);
});
