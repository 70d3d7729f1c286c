import { full, nn, tensor, type Tensor, zeros } from "../../../lib/torch";
import {
  type AccumulationStep,
  type CallbackBase,
  type CallbackDependencies,
  GradientNormCallback,
  GradientNormCallbackConfig,
  type GradientsReady,
  PeriodicCallback,
} from "../../../lib/core/callbacks";
import { CompositeModel, Model, type ModelBase, type ModelDependencies } from "../../../lib/core/models";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { OptimizerWrapper } from "../../../lib/core/optimizer";
import { GradScaler } from "../../../lib/torch/amp";
import { GradientStep } from "../../../lib/training/trainers/gradient-step";
import { NanGuard } from "../../../lib/training/trainers/nan-guard";
import { parts } from "../../core/callbacks/support";
import { smallData, smallRun, temporaryFolder } from "../../support/small-run";

/**
 * What callbacks see of gradients. The model is linear in its weights, so that the truth is a mean over the batch, taken here
 * in float64: for output = x·w + 3 b the gradients of the mean output are mean(x) and 3.
 */
class Part extends nn.Module {
  constructor(readonly weight: nn.Parameter) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return x.mul(this.weight).sum([-1]);
  }
}

class Linear extends Model {
  readonly encoder = new Part(new nn.Parameter(zeros([2])));
  readonly head = new Part(new nn.Parameter(zeros([1])));
  override forward({ x }: { x: Tensor }): Tensor {
    return this.encoder.forward(x).add(this.head.forward(full([1], 3))); // (B,)
  }
}

const config = (name: string, optimizer: object = {}) =>
  ModelBaseConfig.create({
    kind: "Linear",
    name,
    optimizer_config: { kind: "torch.optim.SGD", lr: 1, ...optimizer },
  });

class Pair extends CompositeModel {
  readonly a: Linear;
  readonly b: Linear;
  constructor(dependencies: ModelDependencies, optimizer: object = {}) {
    super(ModelBaseConfig.create({ kind: "Pair", name: "pair" }), dependencies);
    this.a = new Linear(config("left", optimizer), dependencies);
    this.b = new Linear(config("right", optimizer), dependencies);
  }
  override get submodels() {
    return { a: this.a, b: this.b };
  }
  override forward(inputs: { x: Tensor }): Tensor {
    return this.a.forward(inputs).add(this.b.forward(inputs).mul(2));
  }
}

/** Notes the gradients of each update, and the truth. */
class Looking extends PeriodicCallback {
  readonly seen: { update: number; names: string[]; gradients: number[][]; norms: number[] }[] = [];
  readonly truth: number[][] = [];

  override trackAfterAccumulationStep({ batch, accumulationSteps }: AccumulationStep): void {
    const x = (batch["x"] as Tensor).to("float64").toArray() as number[][];
    this.truth.push([0, 1].map((i) => x.reduce((sum, row) => sum + row[i]! / x.length, 0) / accumulationSteps));
  }
  override async trackBeforeOptimizerStep({ updateCounter, optimizers }: GradientsReady): Promise<void> {
    await Promise.resolve();
    this.seen.push({
      update: updateCounter.update,
      names: Object.keys(optimizers),
      gradients: this.model.parameters().map((parameter) => parameter.grad!.toArray() as number[]),
      norms: Object.values(optimizers).map((optimizer) => Number(optimizer.gradNorm().item())),
    });
  }
}

const folder = temporaryFolder();
afterAll(() => folder.remove());

async function train(
  options: {
    optimizer?: object;
    trainer?: Record<string, unknown>;
    buildModel?: (dependencies: ModelDependencies) => ModelBase;
    callbacks?: (dependencies: CallbackDependencies) => CallbackBase[];
    loss?: (output: Tensor) => Tensor;
  } = {},
) {
  const { optimizer, loss = (output: Tensor) => output.mean() } = options;
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    dataContainer: smallData(8),
    trainer: { max_epochs: 1, ...options.trainer },
    buildModel: options.buildModel ?? ((dependencies) => new Linear(config("linear", optimizer), dependencies)),
  });
  let looking!: Looking;
  trainer.extraCallbacks = (dependencies) => [
    (looking = new Looking({ every_n_epochs: 1 }, dependencies)),
    ...(options.callbacks?.(dependencies) ?? []),
  ];
  trainer.lossCompute = (output) => ({ value: loss(output as Tensor) });
  await trainer.train(model);
  return { trainer, model, looking };
}

const weights = (model: ModelBase) => model.parameters().map((parameter) => parameter.toArray() as number[]);

describe("trackBeforeOptimizerStep", () => {
  test("shows the gradients before they are clipped, and the norm that clipping compares", async () => {
    const { looking, model } = await train({ optimizer: { clip_grad_norm: 0.5 } });
    expect(looking.seen.map(({ update, names }) => [update, names])).toEqual([
      [0, ["linear"]],
      [1, ["linear"]],
    ]);
    const expected = [0, 0, 0];
    looking.seen.forEach(({ gradients, norms }, update) => {
      const [g0, g1] = looking.truth[update]! as [number, number];
      expect(gradients[0]![0]).toBeCloseTo(g0, 6);
      expect(gradients[0]![1]).toBeCloseTo(g1, 6);
      expect(gradients[1]).toEqual([3]);
      const norm = Math.hypot(g0, g1, 3);
      expect(norms[0]).toBeCloseTo(norm, 6);
      [g0, g1, 3].forEach((g, i) => (expected[i]! -= (g * 0.5) / (norm + 1e-6)));
    });
    weights(model)
      .flat()
      .forEach((weight, i) => expect(weight).toBeCloseTo(expected[i]!, 6)); // SGD with lr 1
  });

  test("with clip_grad_value the gradients are those from before it, too; clipping by norm then measures anew", async () => {
    const { looking, model } = await train({
      optimizer: { clip_grad_value: 0.1, clip_grad_norm: 0.05 },
      trainer: { max_epochs: null, max_updates: 1 },
    });
    expect(looking.seen[0]!.gradients[1]).toEqual([3]);
    const clipped = [...looking.truth[0]!, 3].map((g) => Math.max(-0.1, Math.min(0.1, g)));
    const factor = Math.min(1, 0.05 / (Math.hypot(...clipped) + 1e-6));
    weights(model)
      .flat()
      .forEach((weight, i) => expect(weight).toBeCloseTo(-clipped[i]! * factor, 6));
  });

  test("once an update, with the sum over its passes", async () => {
    const { looking } = await train({ trainer: { max_batch_size: 1 } });
    expect(looking.seen).toHaveLength(2);
    expect(looking.truth).toHaveLength(8);
    looking.seen.forEach(({ gradients }, update) => {
      const passes = looking.truth.slice(4 * update, 4 * update + 4);
      [0, 1].forEach((i) =>
        expect(gradients[0]![i]).toBeCloseTo(
          passes.reduce((sum, pass) => sum + pass[i]!, 0),
          6,
        ),
      );
      expect(gradients[1]).toEqual([3]);
    });
  });

  test("a composite model: every optimizer by the name of its model", async () => {
    const { looking } = await train({
      buildModel: (dependencies) => new Pair(dependencies, { clip_grad_norm: 100 }),
    });
    const [{ names, norms }] = looking.seen as [(typeof looking.seen)[0]];
    const norm = Math.hypot(...looking.truth[0]!, 3);
    expect(names).toEqual(["a.left", "b.right"]);
    expect(norms[0]).toBeCloseTo(norm, 5);
    expect(norms[1]).toBeCloseTo(2 * norm, 5);
  });

  test("not for updates that are left out because of a NaN loss", async () => {
    let calls = 0;
    const { looking } = await train({
      trainer: { skip_nan_loss: true },
      loss: (output) => (calls++ === 0 ? output.mean().mul(NaN) : output.mean()),
    });
    expect(looking.seen.map(({ update }) => update)).toEqual([1]);
  });

  test("an error of the hook comes out before the weights are changed", async () => {
    class Failing extends PeriodicCallback {
      override trackBeforeOptimizerStep(): void {
        throw new Error("cannot look");
      }
    }
    const failing = (dependencies: CallbackDependencies) => [new Failing({ every_n_epochs: 1 }, dependencies)];
    let built: ModelBase | undefined;
    const run = train({
      callbacks: failing,
      buildModel: (dependencies) => (built = new Linear(config("linear"), dependencies)),
    });
    await expect(run).rejects.toThrow("cannot look");
    expect(weights(built!)).toEqual([[0, 0], [0]]);
  });

  test("nothing is prepared when no callback looks", async () => {
    const unscale = jest.spyOn(OptimizerWrapper.prototype, "unscaleGradients");
    try {
      const { trainer, model } = smallRun({
        outputRootPath: folder.path,
        trainer: { max_epochs: 1 },
        buildModel: (dependencies) => new Linear(config("linear"), dependencies),
      });
      trainer.extraCallbacks = (dependencies) => [new Plain({ every_n_epochs: 1 }, dependencies)];
      trainer.lossCompute = (output) => (output as Tensor).mean();
      await trainer.train(model);
      expect(unscale).not.toHaveBeenCalled();
    } finally {
      unscale.mockRestore();
    }
  });
});

class Plain extends PeriodicCallback {}

describe("with a gradient scaler", () => {
  /** One update of a model, as a trainer makes it. */
  async function step(model: ModelBase, gradScaler: GradScaler, loss: Tensor) {
    const seen: Record<string, number[][]> = {};
    const norms: Record<string, number> = {};
    const gradientStep = new GradientStep({ gradScaler, nanGuard: new NanGuard({ skip: false, maxCount: 1 }) });
    await gradientStep.run({
      totalLoss: loss,
      model,
      accumulationSteps: 1,
      accumulationStep: 0,
      beforeOptimizerStep: async (optimizers) => {
        for (const [name, optimizer] of Object.entries(optimizers)) {
          seen[name] = optimizer.model.parameters().map((parameter) => parameter.grad!.toArray() as number[]);
          norms[name] = Number(optimizer.gradNorm().item());
        }
      },
    });
    return { seen, norms };
  }
  const x = tensor([[4, 0]]);

  test.each([{}, { clip_grad_norm: 100 }])("the gradients come without their scale, %j", async (optimizer) => {
    const model = new Linear(config("linear", optimizer)).initialize();
    const scaler = new GradScaler({ initScale: 1024 });
    const { seen, norms } = await step(model, scaler, model.forward({ x }).mean());
    expect(seen).toEqual({ linear: [[4, 0], [3]] });
    expect(norms["linear"]).toBe(5);
    expect(weights(model)).toEqual([[-4, 0], [-3]]);
    expect(scaler.getScale()).toBe(1024);
  });

  test("those of every model of a composite, once", async () => {
    const model = new Pair({}, { clip_grad_norm: 100 }).initialize();
    const { seen, norms } = await step(model, new GradScaler({ initScale: 1024 }), model.forward({ x }).mean());
    expect(seen).toEqual({ "a.left": [[4, 0], [3]], "b.right": [[8, 0], [6]] });
    expect(norms).toEqual({ "a.left": 5, "b.right": 10 });
    expect(weights(model)).toEqual([[-4, 0], [-3], [-8, 0], [-6]]);
  });

  test("an overflow is seen as it is, the step is left out, and the scale falls", async () => {
    const model = new Linear(config("linear", { clip_grad_norm: 1 })).initialize();
    const scaler = new GradScaler({ initScale: 1024 });
    const { norms } = await step(
      model,
      scaler,
      model
        .forward({ x: tensor([[4, 1]]) })
        .mean()
        .mul(Infinity),
    );
    expect(norms["linear"]).toBe(Infinity);
    expect(weights(model)).toEqual([[0, 0], [0]]);
    expect(scaler.getScale()).toBe(512);
    // the next update starts afresh
    expect((await step(model, scaler, model.forward({ x }).mean())).norms["linear"]).toBe(5);
  });
});

describe("GradientNormCallback", () => {
  const norm = (options: object = {}) =>
    GradientNormCallbackConfig.create({ every_n_epochs: 1, verbose: false, ...options } as never);
  /** Metrics of a run with the callback. */
  async function metrics(options: object = {}, run: Parameters<typeof train>[0] = {}) {
    const { trainer, looking } = await train({
      ...run,
      callbacks: (dependencies) => [new GradientNormCallback(norm(options), dependencies)],
    });
    const logged = trainer.logWriter.logEntries.at(-1) as Record<string, number>;
    const entries = Object.entries(logged).filter(([key]) => key.startsWith("gradient/"));
    return { logged: Object.fromEntries(entries), truth: looking.truth };
  }
  const close = (logged: Record<string, number>, expected: Record<string, number[]>) => {
    const all = Object.entries(expected).flatMap(([what, norms]) => [
      [`gradient/norm/${what}/mean/E1`, norms.reduce((a, b) => a + b, 0) / norms.length] as const,
      [`gradient/norm/${what}/max/E1`, Math.max(...norms)] as const,
    ]);
    expect(Object.keys(logged).sort()).toEqual(all.map(([key]) => key).sort());
    for (const [key, value] of all) expect(logged[key]).toBeCloseTo(value, 5);
  };

  test("mean and largest total norm of the updates of an interval, before clipping", async () => {
    const { logged, truth } = await metrics({}, { optimizer: { clip_grad_norm: 1e-3 } });
    close(logged, { total: truth.map((g) => Math.hypot(...g, 3)) });
  });

  test("without clipping as well", async () => {
    const { logged, truth } = await metrics();
    close(logged, { total: truth.map((g) => Math.hypot(...g, 3)) });
  });

  test("modules by path, * for one part of it", async () => {
    const { logged, truth } = await metrics({ modules: ["encoder", "*.weight"] });
    const total = truth.map((g) => Math.hypot(...g, 3));
    const encoder = truth.map((g) => Math.hypot(...g));
    const head = truth.map(() => 3);
    close(logged, { total, encoder, "encoder.weight": encoder, "head.weight": head });
  });

  test("parameter groups", async () => {
    const optimizer = {
      param_group_modifiers_config: [
        { kind: "noether.core.optimizer.LrScaleByNameModifier", name: "head.weight", scale: 0.5 },
      ],
    };
    const { logged, truth } = await metrics({ per_group: true }, { optimizer });
    close(logged, {
      total: truth.map((g) => Math.hypot(...g, 3)),
      "linear/weight_decay=0": truth.map((g) => Math.hypot(...g)),
      "linear/weight_decay=0&lr_scale=5.0e-01": truth.map(() => 3),
    });
  });

  test("the models of a composite", async () => {
    const { logged, truth } = await metrics({}, { buildModel: (dependencies) => new Pair(dependencies) });
    const left = truth.map((g) => Math.hypot(...g, 3));
    close(logged, {
      total: left.map((norm) => norm * Math.hypot(1, 2)),
      "a.left": left,
      "b.right": left.map((norm) => 2 * norm),
    });
  });

  test("gradient accumulation: one norm an update", async () => {
    const { logged, truth } = await metrics({}, { trainer: { max_batch_size: 2 } });
    const sum = (a: number[], b: number[]) => [a[0]! + b[0]!, a[1]! + b[1]!];
    close(logged, {
      total: [sum(truth[0]!, truth[1]!), sum(truth[2]!, truth[3]!)].map((g) => Math.hypot(...g, 3)),
    });
  });

  test("updates that a scaler leaves out do not count", async () => {
    const own = parts({ trainer: { gradScaler: new GradScaler() } });
    const callback = new GradientNormCallback(norm(), own.dependencies);
    for (const gradNorm of [full([], Infinity), full([], NaN), full([], 2)]) {
      const optimizer = { gradNorm: () => gradNorm } as unknown as OptimizerWrapper;
      callback.trackBeforeOptimizerStep({ updateCounter: own.counter, optimizers: { linear: optimizer } });
    }
    callback.periodicCallback(own.context("epoch"));
    expect(own.writer.logCache).toMatchObject({ "gradient/norm/total/mean/E1": 2, "gradient/norm/total/max/E1": 2 });
  });

  test("a module that the model does not have is refused before training, with the nearest name", async () => {
    await expect(metrics({ modules: ["encodr"] })).rejects.toThrow('"encodr" matches none; did you mean "encoder"?');
  });

  test("is known by its kind", async () => {
    const kind = { kind: "noether.core.callbacks.GradientNormCallback", every_n_updates: 2, modules: ["head"] };
    const { trainer } = await train({ trainer: { callbacks: [kind] } });
    expect(trainer.callbacks[0]).toBeInstanceOf(GradientNormCallback);
    expect(trainer.logWriter.logEntries.at(-1)).toMatchObject({ "gradient/norm/head/mean/U2": 3 });
  });
});
