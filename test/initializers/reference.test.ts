/** The reference of the Python framework's initializers: a test for each class, method and field, in its words. */
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { loadUserKinds } from "../../lib/config/factory/load-kind";
import { register } from "../../lib/config/registry";
import type { CallbackBase, CallbackState } from "../../lib/core/callbacks";
import type { TrainerLike } from "../../lib/core/callbacks/trainer";
import { TrainingIteration } from "../../lib/core/iteration/training-iteration";
import { Logger } from "../../lib/core/logging";
import { CompositeModel, Model, type ModelBase } from "../../lib/core/models";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { PathProvider } from "../../lib/core/providers";
import {
  AnyInitializer,
  CheckpointInitializer,
  CheckpointInitializerConfig,
  createInitializer,
  InitializerBase,
  InitializerConfig,
  PreviousRunInitializer,
  PreviousRunInitializerConfig,
  ResumeInitializer,
  ResumeInitializerConfig,
} from "../../lib/initializers";
import { full, nn, save, type Tensor } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";

/** One weight, called `w`. */
class Net extends Model {
  readonly w = new nn.Parameter(full([1], -1));
  override forward(x: Tensor): Tensor {
    return x;
  }
}
const ADAM = { optimizer_config: { kind: "torch.optim.AdamW", lr: 0.1 } };
const net = (name = "transformer", extra: object = ADAM): Net =>
  new Net(ModelBaseConfig.create({ kind: "Net", name, ...extra })).initialize();

class Pair extends CompositeModel {
  readonly encoder = net("encoder");
  readonly decoder = net("decoder");
  override get submodels() {
    return { encoder: this.encoder, decoder: this.decoder };
  }
  override forward(x: Tensor): Tensor {
    return x;
  }
}
const pair = (): Pair => new Pair(ModelBaseConfig.create({ kind: "Pair", name: "pair" }));

const stepsOf = (model: Model): unknown[] =>
  [...(model.optimizer?.torchOptim.state.values() ?? [])].map(({ step }) => (step as Tensor).item());

let folder: ReturnType<typeof temporaryFolder>;
let pathProvider: PathProvider;
let warning: jest.SpyInstance;
beforeEach(() => {
  folder = temporaryFolder();
  pathProvider = new PathProvider({ outputRootPath: folder.path, runId: "new" });
  warning = jest.spyOn(Logger.prototype, "warning").mockImplementation(() => undefined);
});
afterEach(() => {
  folder.remove();
  warning.mockRestore();
});

/** A checkpoint file of run `old`, stage `train` unless said otherwise. */
function put(name: string, content: unknown, run = "old/train", root = folder.path): void {
  const directory = join(root, run, "checkpoints");
  mkdirSync(directory, { recursive: true });
  save(content, join(directory, name));
}
const weights = (value: number, key = "w") => ({ state_dict: new Map([[key, full([1], value)]]) });

/** The optimizer's file of a model after that many updates. */
function optimizerAfter(updates: number): unknown {
  const model = net();
  for (let i = 0; i < updates; i++) {
    model.w.grad = full([1], 1);
    model.optimizerStep(null);
  }
  return model.optimizer!.stateDict();
}
const TRAINER = {
  callback_state_dicts: { Counting: { count: 7 } },
  training_iteration: { epoch: 2, update: 20, sample: 80 },
  grad_scaler: {},
};

const SOURCE = { run_id: "old", stage_name: "train", checkpoint_tag: "latest" };
const previous = (extra: object = {}) =>
  new PreviousRunInitializer(PreviousRunInitializerConfig.create({ ...SOURCE, ...extra }), { pathProvider });
const resume = (extra: object = {}) =>
  new ResumeInitializer(ResumeInitializerConfig.create({ ...SOURCE, model_name: "transformer", ...extra }), {
    pathProvider,
  });

/** What the weight becomes. */
function loaded(extra: object, model = net()): unknown {
  previous(extra).initWeights(model);
  return model.w.item();
}

/** Callbacks that note what they are given. */
function spies() {
  const seen: unknown[] = [];
  const callback = {
    checkpointKey: "Counting",
    stateDict: () => ({ count: 0 }),
    loadStateDict: (state: CallbackState) => void seen.push(state),
    resumeFromCheckpoint: (paths: PathProvider, model: ModelBase, tag: string) => void seen.push([paths, model, tag]),
  } as unknown as CallbackBase;
  return { callback, seen };
}
/** Whatever is done with it fails. */
const untouchable = <T extends object>(): T =>
  new Proxy({} as T, {
    get: () => {
      throw new Error("touched");
    },
  });

describe("InitializerBase", () => {
  class Own extends InitializerBase {
    override initWeights(): void {}
    override initOptimizer(): void {}
  }
  const own = () => new Own(null, { pathProvider });

  test("path_provider: to access paths to load models from", () => expect(own().pathProvider).toBe(pathProvider));
  test("logger", () => expect(own().logger).toBeInstanceOf(Logger));
  test.each(["initWeights", "initOptimizer"])(
    "%s is abstract: a class without it is refused by its kind",
    (missing) => {
      class Lacking {}
      for (const method of ["initWeights", "initOptimizer"])
        if (method !== missing) Object.assign(Lacking.prototype, { [method]: () => undefined });
      const kind = `test.reference.Without.${missing}`;
      register(kind, { class: Lacking });
      expect(() => createInitializer(AnyInitializer.parse({ kind }), { pathProvider })).toThrow(`'${kind}'`);
    },
  );
  test("init_trainer: by default, does nothing", () => expect(own().initTrainer(untouchable())).toBeUndefined());
  test("init_callbacks: by default, does nothing", () =>
    expect(own().initCallbacks([untouchable()], untouchable())).toBeUndefined());
  test("start_checkpoint: by default, starts from zero", () =>
    expect(own().startCheckpoint()).toEqual(new TrainingIteration(0, 0, 0)));

  test("one of your own in a file needs no config class", async () => {
    const file = join(folder.path, "zero-bias.js");
    writeFileSync(
      file,
      `const { InitializerBase } = require("noether-ts/initializers");
       const { noGrad } = require("noether-ts/torch");
       exports.Fill = class Fill extends InitializerBase {
         constructor(config, dependencies) { super(config, dependencies); this.value = dependencies.value; }
         initWeights(model) { noGrad(() => model.w.fill_(this.value)); }
         initOptimizer() {}
       };`,
    );
    const config = { kind: `${file}#Fill`, kwargs: { value: 5 } };
    await loadUserKinds(config);
    const model = new Net(
      ModelBaseConfig.create({ kind: "Net", name: "transformer", ...ADAM, initializers: [config] }),
      { pathProvider },
    );
    expect(model.initialize().w.item()).toBe(5);
    expect(AnyInitializer.safeParse({ ...config, run_id: "old" }).success).toBe(false);
  });
});

describe("InitializerConfig", () => {
  test("kind", () =>
    expect(InitializerConfig.create(SOURCE).kind).toBe("noether.core.initializers.PreviousRunInitializer"));

  describe("kwargs: additional keyword arguments to pass to the initializer", () => {
    class Own extends InitializerBase {
      static readonly schema = InitializerConfig;
      constructor(
        config: InitializerConfig,
        readonly dependencies: { pathProvider: PathProvider; scale?: number },
      ) {
        super(config, dependencies);
      }
      override initWeights(): void {}
      override initOptimizer(): void {}
    }
    const kind = "test.reference.Own";
    beforeAll(() => register(kind, { class: Own }));
    const make = (kwargs: object) =>
      createInitializer(AnyInitializer.parse({ ...SOURCE, kind, kwargs }), { pathProvider });

    test("reach it", () => expect((make({ scale: 2 }) as Own).dependencies).toEqual({ scale: 2, pathProvider }));
    test("may not replace what the run gives", () => expect(() => make({ pathProvider: 1 })).toThrow("pathProvider"));
    test("the framework's own have none: a warning", () => {
      createInitializer(
        AnyInitializer.parse({ ...SOURCE, kind: "noether.core.initializers.PreviousRunInitializer", kwargs: { a: 1 } }),
        { pathProvider },
      );
      expect(warning.mock.calls.join()).toContain("kwargs has no effect");
    });
  });

  test("run_id: a unique identifier, used to find the correct checkpoint", () => {
    put("transformer_cp=latest_model.th", weights(1), "one");
    put("transformer_cp=latest_model.th", weights(2), "two");
    const of = (run_id: string) => loaded({ run_id, stage_name: null });
    expect([of("one"), of("two")]).toEqual([1, 2]);
    expect(InitializerConfig.safeParse({ checkpoint_tag: "latest" }).success).toBe(false);
  });

  test("stage_name: the name of the training stage if defined", () => {
    put("transformer_cp=latest_model.th", weights(1), "old");
    put("transformer_cp=latest_model.th", weights(2), "old/train");
    put("transformer_cp=latest_model.th", weights(3), "old/finetune");
    expect([null, "train", "finetune"].map((stage_name) => loaded({ stage_name }))).toEqual([1, 2, 3]);
  });

  test("model_name: the name of the model to load", () => {
    put("transformer_cp=latest_model.th", weights(1));
    put("other_cp=latest_model.th", weights(2));
    expect([loaded({}), loaded({ model_name: "other" })]).toEqual([1, 2]);
  });

  describe("checkpoint_tag: which checkpoint to load", () => {
    beforeEach(() =>
      ["latest", "best_loss", "E1_U10_S40", "E2_U20_S80"].forEach((tag, i) =>
        put(`transformer_cp=${tag}_model.th`, weights(i)),
      ),
    );
    test.each([
      ["latest", 0],
      ["best_loss", 1],
      ["E1_U10_S40", 2],
      [{ epoch: 2 }, 3],
      [{ update: 10 }, 2],
      [{ sample: 80 }, 3],
      [{ epoch: 1, update: 10, sample: 40 }, 2],
    ])("%j", (checkpoint_tag, expected) => expect(loaded({ checkpoint_tag })).toBe(expected));
  });

  test("model_info: additional info in the file's name, the weights are the EMA or in a different precision", () => {
    put("transformer_cp=latest_model.th", weights(1));
    put("transformer_ema=0.9999_cp=latest_model.th", weights(2));
    put("transformer_bf16_cp=latest_model.th", { state_dict: new Map([["w", full([1], 3, { dtype: "bfloat16" })]]) });
    expect([null, "ema=0.9999", "bf16"].map((model_info) => loaded({ model_info }))).toEqual([1, 2, 3]);
  });
});

describe("CheckpointInitializer", () => {
  const options = {
    ...{ run_id: "old", stage_name: "train", checkpoint_tag: { epoch: 10 }, model_name: "dummy_model" },
    ...{ load_optim: true, model_info: "ema", pop_ckpt_kwargs_keys: ["key1"] },
  };

  test.each<[keyof PreviousRunInitializer, unknown]>([
    ["checkpointTag", new TrainingIteration(10)],
    ["runId", "old"],
    ["modelName", "dummy_model"],
    ["loadOptim", true],
    ["modelInfo", "ema"],
    ["popCkptKwargsKeys", ["key1"]],
    ["stageName", "train"],
  ])("%s", (field, expected) => expect(previous(options)[field]).toEqual(expected));

  test("should not be used directly, but inherited", () => {
    const kind = "noether.core.initializers.CheckpointInitializer";
    expect(() =>
      createInitializer(AnyInitializer.parse({ ...SOURCE, kind, load_optim: true }), { pathProvider }),
    ).toThrow();
    for (const initializer of [previous(), resume()]) expect(initializer).toBeInstanceOf(CheckpointInitializer);
  });

  describe("init_optimizer", () => {
    test("the optimizer of a Model", () => {
      put("transformer_cp=latest_optim.th", optimizerAfter(3));
      const model = net();
      previous({ load_optim: true }).initOptimizer(model);
      expect(stepsOf(model)).toEqual([3]);
    });
    test("those of all submodels of a CompositeModel", () => {
      put("pair.encoder_cp=latest_optim.th", optimizerAfter(3));
      put("pair.decoder_cp=latest_optim.th", optimizerAfter(4));
      const model = pair();
      previous({ load_optim: true }).initOptimizer(model);
      expect([stepsOf(model.encoder), stepsOf(model.decoder)]).toEqual([[3], [4]]);
    });
  });
});

describe("CheckpointInitializerConfig", () => {
  const create = (extra: object) => CheckpointInitializerConfig.safeParse({ ...SOURCE, ...extra });

  test("kind", () => {
    expect(create({ load_optim: true }).data?.kind).toBe("noether.core.initializers.CheckpointInitializer");
    expect(create({ load_optim: true, kind: "noether.core.initializers.ResumeInitializer" }).success).toBe(false);
  });
  test("load_optim: whether or not to load the optimizer state", () => {
    expect(create({}).success).toBe(false);
    put("transformer_cp=latest_optim.th", optimizerAfter(3));
    const steps = [true, false].map((load_optim) => {
      const model = net();
      previous({ load_optim }).initOptimizer(model);
      return stepsOf(model);
    });
    expect(steps).toEqual([[3], []]);
  });
  test("pop_ckpt_kwargs_keys: kept, never used in the Python framework either, which a warning says", () => {
    put("transformer_cp=latest_model.th", { ...weights(1), key1: 2 });
    expect(loaded({ pop_ckpt_kwargs_keys: ["key1"] })).toBe(1);
    expect(warning.mock.calls.join()).toContain("pop_ckpt_kwargs_keys has no effect");
  });
  test("output_path: output root where the source run lives; none means that of the current run", () => {
    const elsewhere = temporaryFolder();
    put("transformer_cp=latest_model.th", weights(1));
    put("transformer_cp=latest_model.th", weights(2), "old/train", elsewhere.path);
    expect([loaded({}), loaded({ output_path: elsewhere.path })]).toEqual([1, 2]);
    elsewhere.remove();
  });
  test("output_path may begin with the home folder", () => {
    const output_path = `~/${relative(homedir(), folder.path)}`;
    put("transformer_cp=latest_model.th", weights(3));
    expect(loaded({ output_path })).toBe(3);
  });
});

describe("PreviousRunInitializer", () => {
  test.each<[keyof PreviousRunInitializer, object, unknown]>([
    ["keysToRemove", { keys_to_remove: ["a"] }, ["a"]],
    ["patternsToRemove", { patterns_to_remove: ["b"] }, ["b"]],
    ["patternsToRename", { patterns_to_rename: [{ src: "c", dst: "d" }] }, [{ src: "c", dst: "d" }]],
    ["patternsToInstantiate", { patterns_to_instantiate: ["e"] }, ["e"]],
  ])("%s", (field, extra, expected) => {
    expect(previous(extra)[field]).toEqual(expected);
    expect(previous()[field]).toEqual([]);
  });

  test("only loads model weights", () => {
    put("transformer_cp=latest_model.th", weights(1));
    put("transformer_cp=latest_optim.th", optimizerAfter(3));
    const model = net();
    const initializer = previous();
    initializer.initWeights(model);
    initializer.initOptimizer(model);
    expect([model.w.item(), stepsOf(model)]).toEqual([1, []]);
    expect(initializer.startCheckpoint()).toEqual(new TrainingIteration(0, 0, 0));
    expect(initializer.initTrainer(untouchable())).toBeUndefined();
  });
  test("is initialized as part of a model config", () => {
    put("transformer_cp=latest_model.th", weights(1));
    const initializers = [{ kind: "noether.core.initializers.PreviousRunInitializer", ...SOURCE }];
    const config = ModelBaseConfig.create({ kind: "Net", name: "transformer", ...ADAM, initializers });
    expect(new Net(config, { pathProvider }).initialize().w.item()).toBe(1);
  });
  test("init_weights(model, model_name)", () => {
    put("third_cp=latest_model.th", weights(4));
    const model = net();
    previous({ model_name: "other" }).initWeights(model, "third");
    expect(model.w.item()).toBe(4);
  });
  test("init_callbacks: lets callbacks read their files, and gives them no state", () => {
    const { callback, seen } = spies();
    const [initializer, model] = [previous(), net()];
    initializer.initCallbacks([callback], model);
    expect(seen).toEqual([[initializer.initRunPathProvider, model, "latest"]]);
    expect(initializer.initRunPathProvider.checkpointPath).toBe(join(folder.path, "old", "train", "checkpoints"));
  });
});

describe("PreviousRunInitializerConfig", () => {
  test("kind", () => {
    const kind = "noether.core.initializers.PreviousRunInitializer";
    expect(PreviousRunInitializerConfig.create(SOURCE).kind).toBe(kind);
    expect(createInitializer(AnyInitializer.parse({ ...SOURCE, kind }), { pathProvider })).toBeInstanceOf(
      PreviousRunInitializer,
    );
  });
  test("load_optim: only weights unless it is asked for", () =>
    expect(PreviousRunInitializerConfig.create(SOURCE).load_optim).toBe(false));

  test.each([
    ["keys_to_remove: list of keys to remove from the checkpoint", { keys_to_remove: ["extra.w"] }, 1],
    ["patterns_to_remove: list of patterns to remove", { patterns_to_remove: ["tra."] }, 1],
    [
      "patterns_to_rename: list of patterns to rename",
      { patterns_to_rename: [{ src: "extra.", dst: "" }] }, // which replaces the file's own `w`
      2,
    ],
    [
      "patterns_to_instantiate: list of patterns to instantiate",
      { keys_to_remove: ["extra.w"], patterns_to_instantiate: ["w"] },
      -1,
    ],
  ])("%s", (_, extra, expected) => {
    put("transformer_cp=latest_model.th", { state_dict: new Map([...weights(1).state_dict, ...weights(2, "extra.w").state_dict]) }); // prettier-ignore
    expect(loaded(extra)).toBe(expected);
  });
});

describe("ResumeInitializer", () => {
  beforeEach(() => {
    put("transformer_cp=latest_model.th", { ...weights(1), training_iteration: TRAINER.training_iteration });
    put("transformer_cp=latest_optim.th", optimizerAfter(3));
    put("transformer_cp=latest_trainer.th", TRAINER);
  });

  test("init_weights: the model weights from the checkpoint", () => {
    const model = net();
    resume().initWeights(model);
    expect(model.w.item()).toBe(1);
  });
  test("init_optimizer", () => {
    const model = net();
    resume().initOptimizer(model);
    expect(stepsOf(model)).toEqual([3]);
  });
  test("start_checkpoint: where the run was", () =>
    expect(resume().startCheckpoint()).toEqual(new TrainingIteration(2, 20, 80)));
  test("init_trainer: the trainer gets its file", () => {
    let state: ReadonlyMap<string, unknown> | null = null;
    resume().initTrainer({
      loadStateDict: (given: ReadonlyMap<string, unknown>) => void (state = given),
    } as TrainerLike);
    expect([...state!.keys()].sort()).toEqual(Object.keys(TRAINER).sort());
  });
  test("init_callbacks: callbacks get their states, and read their files", () => {
    const { callback, seen } = spies();
    const [initializer, model] = [resume(), net()];
    initializer.initCallbacks([callback], model);
    expect(seen).toEqual([{ count: 7 }, [initializer.initRunPathProvider, model, "latest"]]);
  });
});

describe("ResumeInitializerConfig", () => {
  const create = (extra: object) => ResumeInitializerConfig.safeParse({ ...SOURCE, model_name: "m", ...extra });
  test("kind", () => expect(create({}).data?.kind).toBe("noether.core.initializers.ResumeInitializer"));
  test("load_optim: default is True", () => {
    expect(create({}).data?.load_optim).toBe(true);
    expect(create({ load_optim: false }).data?.load_optim).toBe(false);
  });
  test("model_name: has to be given", () => {
    expect(create({ model_name: null }).success).toBe(false);
    expect(create({ model_name: undefined }).success).toBe(false);
  });
});

test("AnyInitializer: the kind chooses", () => {
  const kinds = ["PreviousRunInitializer", "ResumeInitializer"].map((name) => `noether.core.initializers.${name}`);
  const made = kinds.map((kind) => AnyInitializer.parse({ ...SOURCE, kind, model_name: "transformer" }));
  expect(made.map((config) => createInitializer(config, { pathProvider }).constructor)).toEqual([
    PreviousRunInitializer,
    ResumeInitializer,
  ]);
  expect(AnyInitializer.safeParse(SOURCE).success).toBe(false);
});

test("the configs have the fields of the reference", () => {
  const base = ["kind", "kwargs", "run_id", "stage_name", "model_name", "checkpoint_tag", "model_info"];
  const checkpoint = [...base, "load_optim", "pop_ckpt_kwargs_keys", "output_path"];
  const keys = ["keys_to_remove", "patterns_to_remove", "patterns_to_rename", "patterns_to_instantiate"];
  const fieldsOf = ({ fields }: { fields: object }) => Object.keys(fields).sort();
  expect(fieldsOf(InitializerConfig)).toEqual([...base].sort());
  expect(fieldsOf(CheckpointInitializerConfig)).toEqual([...checkpoint].sort());
  expect(fieldsOf(PreviousRunInitializerConfig)).toEqual([...checkpoint, ...keys].sort());
  expect(fieldsOf(ResumeInitializerConfig)).toEqual([...checkpoint].sort());
});
