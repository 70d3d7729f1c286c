import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Factory } from "../../lib/config/factory/factory";
import "../../lib/modeling";
import { type CallbackBase } from "../../lib/core/callbacks";
import { TrainingIteration } from "../../lib/core/iteration/training-iteration";
import { CompositeModel, Model, type ModelBase } from "../../lib/core/models";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { PathProvider } from "../../lib/core/providers";
import type { CheckpointInitializer } from "../../lib/initializers";
import { PreviousRunInitializer, ResumeInitializer } from "../../lib/initializers";
import { PreviousRunInitializerConfig } from "../../lib/initializers/previous-run-initializer";
import { ResumeInitializerConfig } from "../../lib/initializers/resume-initializer";
import { full, manualSeed, nn, randn, save, type Tensor } from "../../lib/torch";
import { temporaryFolder } from "../support/small-run";

class Dummy extends Model {
  readonly linear = new nn.Linear(10, 10);
  override forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

/** Two named parameters. */
class Net extends Model {
  readonly backbone = new nn.Linear(2, 2, { bias: false });
  readonly head = new nn.Linear(2, 1);
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.backbone.forward(x));
  }
}

class Pair extends CompositeModel {
  constructor(
    name: string,
    readonly partA: ModelBase,
    readonly partB: ModelBase | null,
  ) {
    super(ModelBaseConfig.create({ kind: "Pair", name }));
  }
  override get submodels(): Record<string, ModelBase | null> {
    return { part_a: this.partA, part_b: this.partB };
  }
  override forward(x: Tensor): Tensor {
    return x;
  }
}

const modelConfig = (name: string, extra: object = {}) => ModelBaseConfig.create({ kind: "Dummy", name, ...extra });
const net = (name = "net") => new Net(modelConfig(name));
const norm = (model: nn.Module): number => model.parameters().reduce((sum, p) => sum + Number(p.norm().item()), 0);
const value = (tensor: Tensor | undefined): unknown => tensor?.toArray();

let folder: ReturnType<typeof temporaryFolder>;
let paths: PathProvider;
beforeEach(() => {
  folder = temporaryFolder();
  paths = new PathProvider({ outputRootPath: folder.path, runId: "new_run" });
});
afterEach(() => folder.remove());

/** A checkpoint file of run `old`, stage `train`. */
function put(name: string, content: unknown): string {
  const directory = join(folder.path, "old", "train", "checkpoints");
  mkdirSync(directory, { recursive: true });
  save(content, join(directory, name));
  return join(directory, name);
}
const weights = (entries: Record<string, Tensor>) => ({ state_dict: new Map(Object.entries(entries)) });
const previous = (extra: object = {}) =>
  new PreviousRunInitializer(
    PreviousRunInitializerConfig.create({
      run_id: "old",
      stage_name: "train",
      checkpoint_tag: "latest",
      ...extra,
    } as never),
    { pathProvider: paths },
  );
const resume = (extra: object = {}) =>
  new ResumeInitializer(
    ResumeInitializerConfig.create({
      run_id: "old",
      stage_name: "train",
      checkpoint_tag: "latest",
      model_name: "net",
      ...extra,
    } as never),
    { pathProvider: paths },
  );
const trainerFile = (epoch: number, update: number, sample: number) => ({
  callback_state_dicts: {},
  training_iteration: { epoch, update, sample },
  grad_scaler: {},
});

/** Makes the protected look-ups visible. */
class Open extends PreviousRunInitializer {
  path(prefix: string, suffix: string): string {
    return this.getCheckpointPath(prefix, suffix);
  }
  find(type: "model" | "optim", options: Parameters<CheckpointInitializer["getModelPath"]>[1]) {
    return this.getModelPath(type, options);
  }
}

describe("finding a checkpoint", () => {
  const open = (extra: object = {}) =>
    new Open(
      PreviousRunInitializerConfig.create({
        run_id: "old",
        stage_name: "train",
        checkpoint_tag: "latest",
        ...extra,
      } as never),
      { pathProvider: paths },
    );
  const root = () => join(folder.path, "old", "train", "checkpoints");

  test("tags: a string as it is, a mapping as an iteration", () => {
    expect(open({ checkpoint_tag: "E10_U1000_S5000" }).checkpointTag).toBe("E10_U1000_S5000");
    expect(open({ checkpoint_tag: { epoch: 10, update: 1000, sample: 5000 } }).checkpointTag).toEqual(
      new TrainingIteration(10, 1000, 5000),
    );
    expect(open({ checkpoint_tag: { epoch: 10 } }).checkpointTag).toEqual(new TrainingIteration(10));
    expect(() => open({ checkpoint_tag: { epoch: 1, update: 2 } })).toThrow(
      "one of epoch, update and sample, or all of them",
    );
    expect(() => open({ checkpoint_tag: { epoc: 1 } })).toThrow("epoc");
    expect(() => open({ checkpoint_tag: null })).toThrow("checkpoint_tag has to be given");
  });

  test("paths", () => {
    expect(open().path("a", "b")).toBe(join(root(), "alatestb"));
    expect(open({ checkpoint_tag: { epoch: 1, update: 2, sample: 3 } }).path("a_", "_b")).toBe(
      join(root(), "a_E1_U2_S3_b"),
    );
    expect(open({ output_path: join(folder.path, "elsewhere") }).path("a", "b")).toBe(
      join(folder.path, "elsewhere", "old", "train", "checkpoints", "alatestb"),
    );
  });

  test("a tag that is known in part is completed", () => {
    put("net_cp=E2_U20_S80_model.th", weights({}));
    expect(open({ checkpoint_tag: { epoch: 2 } }).path("net_cp=", "_model.th")).toBe(
      join(root(), "net_cp=E2_U20_S80_model.th"),
    );
  });

  test("names: the argument, else the configuration's, else the model's; the infix for weights only", () => {
    const file = (name: string) => ({ modelName: name, path: join(root(), `${name}_cp=latest_model.th`) });
    expect(open().find("model", { model: net() })).toEqual(file("net"));
    expect(open({ model_name: "other" }).find("model", { model: net() })).toEqual(file("other"));
    expect(open({ model_name: "other" }).find("model", { modelName: "third" })).toEqual(file("third"));
    expect(open({ model_info: "ema=0.9" }).find("model", { model: net() }).path).toBe(
      join(root(), "net_ema=0.9_cp=latest_model.th"),
    );
    expect(open({ model_info: "ema=0.9" }).find("optim", { model: net() }).path).toBe(
      join(root(), "net_cp=latest_optim.th"),
    );
    expect(open({ model_info: "" }).find("model", { model: net() })).toEqual(file("net"));
    expect(() => open().find("model", {})).toThrow("model name is needed");
    expect(() => open().find("invalid_type" as never, { model: net() })).toThrow("invalid_type");
  });
});

describe("weights of a previous run", () => {
  test("are those of PyTorch's layer with the same seed", () => {
    manualSeed(0);
    const source = new Dummy(modelConfig("dummy_model"));
    expect(norm(source)).toBeCloseTo(2.462114, 5);
    const [first] = source.linear.weight.toArray() as number[][];
    [-0.0023675, 0.1696384, -0.2602697, -0.2327244].forEach((weight, i) => expect(first?.[i]).toBeCloseTo(weight, 6));
    put("dummy_model_ema_cp=latest_model.th", { state_dict: source.stateDict() });
    const model = new Dummy(modelConfig("dummy_model"));
    previous({ model_info: "ema" }).initWeights(model);
    expect(norm(model)).toBe(norm(source));
  });

  test.each([
    [
      "keys_to_remove",
      { keys_to_remove: ["extra"] },
      { "backbone.weight": 3, "head.weight": 3, "head.bias": 3, extra: 3 },
    ],
    [
      "patterns_to_remove",
      { patterns_to_remove: ["aux", "old"] },
      { "backbone.weight": 3, "head.weight": 3, "head.bias": 3, "aux.weight": 3, "head.old": 3 },
    ],
    [
      "patterns_to_rename",
      { patterns_to_rename: [{ src: "encoder.", dst: "backbone." }, { src: "module." }] },
      { "module.encoder.weight": 3, "module.head.weight": 3, "module.head.bias": 3 },
    ],
    [
      "a rename over an existing key",
      { patterns_to_rename: [{ src: "new_", dst: "" }] },
      { "backbone.weight": 1, "head.weight": 3, "head.bias": 3, "new_backbone.weight": 3 },
    ],
  ])("%s", (_, options, entries: Record<string, number>) => {
    const shapes: Record<string, number[]> = { "backbone.weight": [2, 2], "head.weight": [1, 2], "head.bias": [1] };
    const shapeOf = (name: string) =>
      shapes[
        Object.keys(shapes).find((key) =>
          name.endsWith(key.replace("backbone.weight", "weight").replace("head.", "")),
        ) ?? ""
      ] ?? [2, 2];
    const tensors = Object.fromEntries(
      Object.entries(entries).map(([name, v]) => [
        name,
        full(name.includes("head.weight") ? [1, 2] : name.includes("bias") ? [1] : shapeOf(name), v),
      ]),
    );
    put("net_cp=latest_model.th", weights(tensors));
    const model = net();
    previous(options).initWeights(model);
    for (const parameter of model.parameters())
      expect(new Set(parameter.flatten().toArray() as number[])).toEqual(new Set([3]));
  });

  test("patterns_to_instantiate keeps the model's own values, also for keys that the file lacks", () => {
    put("net_cp=latest_model.th", weights({ "backbone.weight": full([2, 2], 3) }));
    const model = net();
    const own = value(model.head.weight);
    previous({ patterns_to_instantiate: ["head"] }).initWeights(model);
    expect([value(model.head.weight), value(model.backbone.weight)]).toEqual([own, [[3, 3], [3, 3]]]); // prettier-ignore
  });

  test("each step says what is wrong", () => {
    put("net_cp=latest_model.th", weights({ "backbone.weight": full([2, 2], 3) }));
    expect(() => previous({ keys_to_remove: ["bad_key"] }).initWeights(net())).toThrow("'bad_key' is not in");
    expect(() => previous({ patterns_to_rename: [{ dst: "x" }] }).initWeights(net())).toThrow("needs src");
    expect(() => previous().initWeights(net())).toThrow(/cannot load the weights.*head.weight/s);
    expect(() => previous().initWeights(new nn.Linear(1, 1) as unknown as ModelBase)).toThrow("but got Linear");
  });

  test("a failed load leaves the model as it was", () => {
    put(
      "net_cp=latest_model.th",
      weights({ "backbone.weight": full([2, 2], 3), "head.weight": full([5], 3), unknown: full([1], 3) }),
    );
    const model = net();
    const before = [...model.stateDict().values()].map(value);
    expect(() => previous().initWeights(model)).toThrow(/head.bias.*unknown.*head.weight/s);
    expect([...model.stateDict().values()].map(value)).toEqual(before);
  });

  test("weights that change nothing are reported, not refused", () => {
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    const model = net();
    put("net_cp=latest_model.th", { state_dict: model.stateDict() });
    previous().initWeights(model);
    expect(warnings.mock.calls.join()).toContain("did not change any weight");
    warnings.mockRestore();
  });

  test("of a composite, under its name or another", () => {
    for (const name of ["both", "other"]) {
      for (const key of ["part_a", "part_b"]) {
        put(
          `${name}.${key}_cp=latest_model.th`,
          weights({ "linear.weight": full([10, 10], name === "both" ? 1 : 2), "linear.bias": full([10], 5) }),
        );
      }
    }
    const pair = () => new Pair("both", new Dummy(modelConfig("a")), new Dummy(modelConfig("b")));
    const [own, other] = [pair(), pair()];
    previous().initWeights(own);
    previous({ model_name: "other" }).initWeights(other);
    expect((own.partB as Dummy).linear.weight.mean().item()).toBe(1);
    expect((other.partA as Dummy).linear.weight.mean().item()).toBe(2);
  });

  test("with load_optim the optimizer's state, too", () => {
    const train = (): Dummy => {
      const model = new Dummy(
        modelConfig("net", { optimizer_config: { kind: "torch.optim.AdamW", lr: 0.1 } }),
      ).initialize();
      model
        .forward(randn([2, 10]))
        .sum()
        .backward();
      model.optimizerStep(null);
      return model;
    };
    const source = train();
    put("net_cp=latest_model.th", { state_dict: source.stateDict() });
    put("net_cp=latest_optim.th", source.optimizer?.stateDict());
    const model = new Dummy(
      modelConfig("net", { optimizer_config: { kind: "torch.optim.AdamW", lr: 0.1 } }),
    ).initialize();
    previous({ load_optim: true }).initOptimizer(model);
    const steps = (m: Dummy) =>
      [...(m.optimizer?.torchOptim.state.values() ?? [])].map((state) => (state["step"] as Tensor).item());
    expect(steps(model)).toEqual([1, 1]);
    expect(() => previous({ load_optim: true }).initOptimizer(net())).toThrow("no optimizer");
    previous().initOptimizer(net());
  });

  test("starts at zero and leaves callbacks without a file alone", () => {
    expect(String(previous().startCheckpoint())).toBe("E0_U0_S0");
    const warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    const callback = {
      resumeFromCheckpoint: () => resume().startCheckpoint(),
      toString: () => "Callback",
    } as unknown as CallbackBase;
    previous().initCallbacks([callback], net());
    expect(warnings.mock.calls.join()).toContain("Callback starts fresh");
    warnings.mockRestore();
  });
});

describe("files that are missing, foreign or damaged", () => {
  const target = () => join(folder.path, "old", "train", "checkpoints", "net_cp=latest_model.th");

  test("a run, stage or tag that does not exist", () => {
    expect(() => previous({ run_id: "mistyped" }).initWeights(net())).toThrow(
      /weights of model 'net'.*mistyped.*there is no run 'mistyped'/,
    );
    put("net_cp=last_model.th", weights({}));
    expect(() => previous().initWeights(net())).toThrow(/net_cp=latest_model.th' does not exist; check checkpoint_tag/);
  });

  test("a checkpoint without weights", () => {
    put("net_cp=latest_model.th", { weights: 1 });
    expect(() => previous().initWeights(net())).toThrow("it has no 'state_dict' (its keys: weights)");
  });

  test("a truncated file, an empty file, a text file", () => {
    const path = put("net_cp=latest_model.th", weights({ "backbone.weight": full([200, 200], 3) }));
    const whole = readFileSync(path);
    for (const bytes of [whole.subarray(0, whole.length / 2), Buffer.alloc(0), Buffer.from("not a checkpoint")]) {
      writeFileSync(target(), bytes);
      expect(() => previous().initWeights(net())).toThrow(/net_cp=latest_model.th/);
    }
  });

  test("an optimizer file that was never written names the flags that write it", () => {
    put("net_cp=latest_model.th", weights({}));
    put("net_cp=latest_trainer.th", trainerFile(1, 1, 1));
    const model = new Net(
      modelConfig("net", { optimizer_config: { kind: "torch.optim.AdamW", lr: 0.1 } }),
    ).initialize();
    expect(() => resume().initOptimizer(model)).toThrow(/save_optim: true.*save_latest_optim: true/);
  });

  test("a checkpoint of a best model cannot be resumed, and says why", () =>
    expect(() => resume({ checkpoint_tag: "best_model.loss" }).startCheckpoint()).toThrow(
      /net_cp=best_model.loss_trainer.th.*BestCheckpointCallback/,
    ));

  test("parts that were written at different times are refused", () => {
    put("net_cp=latest_model.th", { ...weights({}), training_iteration: { epoch: 2, update: 2, sample: 2 } });
    put("net_cp=latest_trainer.th", trainerFile(1, 1, 1));
    expect(() => resume().initWeights(net())).toThrow("do not belong together");
  });
});

test("a composite's initializer reads a file for each part, and no other", () => {
  const config = (initializers: object[]) => ({
    kind: "tutorial.model.CompositeTransformer",
    name: "composite",
    hidden_dim: 12,
    num_heads: 2,
    mlp_expansion_factor: 2,
    low_level_blocks: { depth: 1 },
    high_level_blocks: { depth: 1 },
    data_specs: { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } },
    initializers,
  });
  const factory = new Factory();
  const source = factory.create(config([])) as CompositeModel;
  for (const [key, part] of Object.entries(source.submodels))
    put(`composite.${key}_cp=latest_model.th`, { state_dict: part!.stateDict() });
  const kind = "noether.core.initializers.PreviousRunInitializer";
  const read = config([{ kind, run_id: "old", stage_name: "train", checkpoint_tag: "latest" }]);
  const model = factory.create(read, { pathProvider: paths }) as CompositeModel;
  model.initialize({ evaluation: true });
  expect([...model.stateDict()].map(([name, own]) => [name, value(own)])).toEqual(
    [...source.stateDict()].map(([name, own]) => [name, value(own)]),
  );
});

describe("weights of blocks with another attention", () => {
  const transolver = (attention_constructor: string) =>
    new Factory().create({
      kind: "tutorial.model.Transolver",
      name: "net",
      hidden_dim: 12,
      depth: 1,
      use_output_projection: true,
      transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2, attention_constructor },
      data_specs: { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } },
    }) as Model;
  const names = ["dot_product", "transolver", "transolver_plusplus"];

  test.each(names.flatMap((own) => names.filter((other) => other !== own).map((other) => [own, other] as const)))(
    "%s: the message names the override for those of %s",
    (own, other) => {
      put("net_cp=latest_model.th", { state_dict: transolver(other).stateDict() });
      put("net_cp=latest_trainer.th", trainerFile(1, 1, 1));
      const override = `++model.transformer_block_config.attention_constructor=${other}`;
      expect(() => previous().initWeights(transolver(own))).toThrow(override);
      expect(() => resume().initWeights(transolver(own))).toThrow(override);
    },
  );

  test("plain attention in a Transolver of physics attention", () => {
    put("net_cp=latest_model.th", { state_dict: transolver("dot_product").stateDict() });
    expect(() => previous().initWeights(transolver("transolver"))).toThrow(
      /transolver_backbone\.blocks\.0\.attention_block\.q\.weight' of shape \[12, 12\].*set attention_constructor: dot_product in the transformer_block_config.*release 1\.1/,
    );
    previous().initWeights(transolver("dot_product"));
  });
});

describe("resuming", () => {
  test("construction touches no file; optimizers are loaded by default", () => {
    expect(resume({ run_id: "mistyped" }).loadOptim).toBe(true);
  });

  test.each([
    ["latest", "E1_U10_S40"],
    [{ epoch: 2 }, "E2_U20_S80"],
    [{ epoch: 3, update: 30, sample: 120 }, "E3_U30_S120"],
  ])("with tag %j starts at %s", (checkpoint_tag, expected) => {
    put("net_cp=latest_trainer.th", trainerFile(1, 10, 40));
    put("net_cp=E2_U20_S80_trainer.th", trainerFile(2, 20, 80));
    put("other_cp=E2_U25_S100_trainer.th", trainerFile(2, 25, 100));
    expect(String(resume({ checkpoint_tag }).startCheckpoint())).toBe(expected);
  });

  test("models without an optimizer, and frozen ones, need no file of one", () => {
    for (const model of [net(), new Net(modelConfig("net", { is_frozen: true })).initialize()])
      expect(() => resume().initOptimizer(model)).not.toThrow();
  });

  test("load_optim false leaves the optimizer alone", () => {
    const model = new Net(
      modelConfig("net", { optimizer_config: { kind: "torch.optim.AdamW", lr: 0.1 } }),
    ).initialize();
    resume({ load_optim: false }).initOptimizer(model);
  });

  test("weights of a nested composite", () => {
    const model = new Pair("net", new Pair("inner", new Dummy(modelConfig("a")), null), new Dummy(modelConfig("b")));
    put("net_cp=latest_trainer.th", trainerFile(1, 1, 1));
    const file = put(
      "net.part_b_cp=latest_model.th",
      weights({ "linear.weight": full([10, 10], 4), "linear.bias": full([10], 4) }),
    );
    copyFileSync(file, file.replace("net.part_b", "net.part_a.part_a"));
    resume().initWeights(model);
    expect(new Set(model.parameters().map((parameter) => parameter.mean().item()))).toEqual(new Set([4]));
  });
});
