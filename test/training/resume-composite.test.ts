import { join } from "node:path";
import { readdirSync } from "node:fs";

import { keep, Tensor } from "../../lib/torch";
import { type CallbackState, FixedEarlyStopper, PeriodicCallback } from "../../lib/core/callbacks";
import { CompositeModel, type ModelBase, type ModelDependencies } from "../../lib/core/models";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { SMALL_MODEL, SmallDataset, SmallModel, smallRun, temporaryFolder, weightsOf } from "../support/small-run";

const SGD = { kind: "torch.optim.SGD", lr: 0.05 };

/** Two models that are trained together, one inside another composite. */
class Inner extends CompositeModel {
  readonly net: SmallModel;
  constructor(dependencies: ModelDependencies) {
    super(ModelBaseConfig.create({ kind: "Inner", name: "inner" }), dependencies);
    this.net = new SmallModel(ModelBaseConfig.create({ ...SMALL_MODEL, name: "net" }), dependencies);
  }
  override get submodels() {
    return { net: this.net };
  }
  override forward(input: { x: Tensor }): Tensor {
    return this.net.forward(input);
  }
}

/** With a part that is left out, one that is frozen, and optimizers of different kinds. */
class Outer extends CompositeModel {
  readonly a: Inner;
  readonly b: SmallModel;
  readonly frozen: SmallModel;
  constructor(dependencies: ModelDependencies) {
    super(ModelBaseConfig.create({ kind: "Outer", name: "outer" }), dependencies);
    this.a = new Inner(dependencies);
    this.b = new SmallModel(ModelBaseConfig.create({ ...SMALL_MODEL, name: "b", optimizer_config: SGD }), dependencies);
    const frozen = { ...SMALL_MODEL, name: "frozen", optimizer_config: null, is_frozen: true };
    this.frozen = new SmallModel(ModelBaseConfig.create(frozen), dependencies);
  }
  override get submodels() {
    return { a: this.a, b: this.b, none: null, frozen: this.frozen };
  }
  override forward(input: { x: Tensor }): Tensor {
    return this.a.forward(input).add(this.b.forward(input)).add(this.frozen.forward(input));
  }
}

/** Counts updates and keeps the count, and a tensor, in checkpoints. */
class Counting extends PeriodicCallback {
  count = 0;
  last: Tensor | null = null;
  override trackAfterUpdateStep(): void {
    this.count += 1;
    this.last?.dispose();
    this.last = keep((this.model.parameters()[0] as Tensor).detach().clone());
  }
  override stateDict(): CallbackState {
    return { count: this.count, last: this.last };
  }
  override loadStateDict(state: CallbackState): void {
    ({ count: this.count, last: this.last } = state as unknown as { count: number; last: Tensor });
    keep(this.last);
  }
}

const folder = temporaryFolder();
let warnings: jest.SpyInstance;
beforeAll(() => (warnings = jest.spyOn(process.stderr, "write").mockReturnValue(true)));
afterAll(() => {
  warnings.mockRestore();
  folder.remove();
});

function run(
  runId: string,
  {
    stopAt,
    initializer,
    seed = 0,
    callbacks = [],
  }: { stopAt?: number; initializer?: object; seed?: number; callbacks?: readonly object[] } = {},
) {
  const built = smallRun({
    outputRootPath: folder.path,
    runId,
    seed,
    trainer: {
      initializer,
      callbacks: [
        {
          kind: "noether.core.callbacks.CheckpointCallback",
          every_n_epochs: 1,
          save_optim: true,
          save_latest_optim: true,
        },
        ...callbacks,
      ],
    },
    buildModel: (dependencies) => new Outer(dependencies),
  });
  let counting!: Counting;
  built.trainer.extraCallbacks = (dependencies) => [
    (counting = new Counting({ every_n_epochs: 1, id: "counting" }, dependencies)),
    ...(stopAt === undefined
      ? []
      : [new FixedEarlyStopper({ stop_at_update: stopAt, stop_at_epoch: null, stop_at_sample: null }, dependencies)]),
  ];
  return { ...built, counting: () => counting };
}

test("nested composites, parts that are left out or frozen, optimizers of two kinds and states of callbacks go on where they were", async () => {
  const whole = run("whole");
  await whole.trainer.train(whole.model);

  const part = run("part", { stopAt: 4 });
  await part.trainer.train(part.model);
  expect(readdirSync(join(folder.path, "part", "checkpoints")).filter((name) => name.includes("cp=last"))).toEqual([
    "outer.a.net_cp=last_model.th",
    "outer.a.net_cp=last_optim.th",
    "outer.b_cp=last_model.th",
    "outer.b_cp=last_optim.th",
    "outer.frozen_cp=last_model.th",
    "outer_cp=last_trainer.th",
  ]);

  const rest = run("rest", {
    seed: 5,
    initializer: {
      kind: "noether.core.initializers.ResumeInitializer",
      run_id: "part",
      checkpoint_tag: "last",
      model_name: "outer",
    },
  });
  await rest.trainer.train(rest.model);
  expect(weightsOf(rest.model)).toEqual(weightsOf(whole.model));
  expect(rest.counting().count).toBe(9);
  expect(rest.counting().last?.toArray()).toEqual(whole.counting().last?.toArray());
});

test("a frozen part keeps its weights, each other part is stepped by its own optimizer", async () => {
  const { trainer, model } = run("frozen");
  const outer = model as Outer;
  const before = weightsOf(outer);
  await trainer.train(model);
  const changed = new Set(
    Object.entries(weightsOf(outer)).flatMap(([name, values]) =>
      JSON.stringify(values) === JSON.stringify(before[name]) ? [] : [name.split(".")[0]],
    ),
  );
  expect([...changed].sort()).toEqual(["a", "b"]);
  const [adam, sgd] = [outer.a.net, outer.b].map((part) => part.optimizer!.torchOptim.constructor.name);
  expect([adam, sgd]).toEqual(["AdamW", "SGD"]);
  expect(outer.frozen.optimizer).toBeNull();
});

const AVERAGES = {
  kind: "noether.core.callbacks.EmaCallback",
  every_n_epochs: 1,
  target_factors: [0.5],
  save_latest_weights: true,
};
/** Mean squared error of the test samples, one at a time. */
async function lossOf(model: ModelBase): Promise<number> {
  const samples = new SmallDataset(5, 1);
  let sum = 0;
  for (let index = 0; index < samples.length; index++) {
    const { x, y } = (await samples.get(index)) as unknown as { x: Tensor; y: Tensor };
    sum += (model.forward({ x: x.unsqueeze(0) }) as Tensor).sub(y).square().item() as number;
  }
  return sum / samples.length;
}
const LOSS = {
  kind: "noether.training.callbacks.OfflineLossCallback",
  every_n_epochs: 1,
  dataset_key: "test",
  batch_size: 1,
};
const stored = (runId: string, tag: string, model_info: string | null = null) => ({
  ...{ kind: "noether.core.initializers.PreviousRunInitializer", model_name: "outer" },
  ...{ run_id: runId, checkpoint_tag: tag, model_info },
});

/** Average after every update from 1 on, with factor 0.5, by its definition in float64. */
async function averaged(runId: string): Promise<{ average: Record<string, number[]>; weights: object }> {
  const { trainer, model } = run(runId, { callbacks: [AVERAGES] });
  const flat = () => Object.fromEntries([...model.stateDict()].map(([name, tensor]) => [name, tensor.flatten().toArray() as number[]])); // prettier-ignore
  const average = flat();
  const others = trainer.extraCallbacks;
  class Own extends PeriodicCallback {
    override trackAfterUpdateStep(): void {
      for (const [name, values] of Object.entries(flat()))
        average[name] = average[name]!.map((value, i) => 0.5 * value + 0.5 * values[i]!);
    }
  }
  trainer.extraCallbacks = (dependencies) => [...others(dependencies), new Own({ every_n_updates: 1 }, dependencies)];
  await trainer.train(model);
  return { average, weights: weightsOf(model) };
}

test("a composite is averaged, and evaluated with its averages or its weights", async () => {
  const { average, weights } = await averaged("averaged");
  for (const info of ["ema=0.5", null]) {
    const { trainer, model } = run(`evaluated-${info}`, { seed: 7, initializer: stored("averaged", "latest", info), callbacks: [LOSS] }); // prettier-ignore
    const logged = jest.spyOn(trainer.logWriter, "addScalar");
    await trainer.eval(model);
    if (info === null) expect(weightsOf(model)).toEqual(weights);
    else
      for (const [name, tensor] of model.stateDict())
        (tensor.flatten().toArray() as number[]).forEach((value, i) => expect(value).toBeCloseTo(average[name]![i]!, 5)); // prettier-ignore
    const [, loss] = logged.mock.calls.find(([key]) => key === "loss/test/total")!;
    expect(Number(loss instanceof Tensor ? loss.item() : loss)).toBeCloseTo(await lossOf(model), 5);
  }
});

test("averages go on where they were", async () => {
  const whole = run("averages-whole", { callbacks: [AVERAGES] });
  await whole.trainer.train(whole.model);
  const part = run("averages-part", { callbacks: [AVERAGES], stopAt: 4 });
  await part.trainer.train(part.model);
  const initializer = {
    ...{ kind: "noether.core.initializers.ResumeInitializer", model_name: "outer" },
    ...{ run_id: "averages-part", checkpoint_tag: "last" },
  };
  const rest = run("averages-rest", { callbacks: [AVERAGES], seed: 5, initializer });
  await rest.trainer.train(rest.model);
  const [expected, resumed] = ["averages-whole", "averages-rest"].map((id) => {
    const { trainer, model } = run(`${id}-read`, { seed: 9, initializer: stored(id, "last", "ema=0.5") });
    return { trainer, model };
  });
  await expected!.trainer.eval(expected!.model);
  await resumed!.trainer.eval(resumed!.model);
  expect(weightsOf(resumed!.model)).toEqual(weightsOf(expected!.model));
});

test("averages of one part are read by that part alone", async () => {
  const source = run("one-part", { callbacks: [{ ...AVERAGES, model_paths: ["b"] }] });
  await source.trainer.train(source.model);
  expect(readdirSync(join(folder.path, "one-part", "checkpoints")).filter((name) => name.includes("ema="))).toEqual([
    "outer.b_ema=0.5_cp=E1_U3_S12_model.th",
    "outer.b_ema=0.5_cp=E2_U6_S24_model.th",
    "outer.b_ema=0.5_cp=E3_U9_S36_model.th",
    "outer.b_ema=0.5_cp=last_model.th",
    "outer.b_ema=0.5_cp=latest_model.th",
  ]);
  const { trainer, model } = run("one-part-read", { initializer: stored("one-part", "latest", "ema=0.5") });
  await expect(trainer.eval(model)).rejects.toThrow(/outer\.a\.net_ema=0\.5_cp=latest_model\.th/);
});
