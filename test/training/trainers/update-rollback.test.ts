import { join } from "node:path";

import { full, keep, load, nn, noGrad, type Tensor, tensor, toMap, TorchError } from "../../../lib/torch";
import {
  EmaCallback,
  OnlineLossCallback,
  PeriodicCallback,
  TrackAdditionalOutputsCallback,
} from "../../../lib/core/callbacks";
import { Model, type ModelOptions } from "../../../lib/core/models";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { DataContainer, Dataset, MultiStagePipeline } from "../../../lib/data";
import { GradientStep } from "../../../lib/training/trainers/gradient-step";
import { NanGuard } from "../../../lib/training/trainers/nan-guard";
import { LossWithOutputs, toTrainerResult } from "../../../lib/training/trainers/result";
import {
  SMALL_MODEL,
  smallRun,
  type SmallRunOptions,
  type SmallTrainer,
  temporaryFolder,
  weightsOf,
} from "../../support/small-run";

/** An update that is skipped or fails leaves nothing behind: in no weight, no buffer, no average and no statistic. */

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Batch normalization and dropout: buffers that change in the forward pass, and random numbers. */
class Normalized extends Model {
  readonly fc1 = new nn.Linear(1, 4);
  readonly norm = new nn.BatchNorm1d(4);
  readonly dropout: nn.Dropout;
  readonly fc2 = new nn.Linear(4, 1);
  constructor(config: ModelBaseConfig, options: ModelOptions & { dropout: number }) {
    super(config, options);
    this.dropout = new nn.Dropout(options.dropout);
  }
  override forward({ x }: { x: Tensor }): Tensor {
    return this.fc2.forward(this.dropout.forward(this.norm.forward(this.fc1.forward(x))));
  }
}

/** One sample for each value; y is twice x. */
class Values extends Dataset {
  constructor(readonly values: readonly number[]) {
    super(DatasetBaseConfig.create({ kind: "Values", non_finite: "keep" }));
    this.addGetter("x", (index) => tensor([values[index] as number]));
    this.addGetter("y", (index) => tensor([2 * (values[index] as number)]));
    this.pipeline = new MultiStagePipeline();
  }
  override get length(): number {
    return this.values.length;
  }
}

const SGD = { kind: "torch.optim.SGD", lr: 0.1 };
const EMA = { kind: "noether.core.callbacks.EmaCallback", every_n_epochs: 100, target_factors: [0.5] };

/** A run over values in their order. */
function run(runId: string, values: readonly number[], trainer: object = {}, options: Partial<SmallRunOptions> = {}) {
  const built = smallRun({
    outputRootPath: folder.path,
    runId,
    dataContainer: new DataContainer({ train: new Values(values) }),
    shuffle: false,
    trainer: { max_epochs: 1, effective_batch_size: 2, skip_nan_loss: true, callbacks: [EMA], ...trainer },
    buildModel: (dependencies) =>
      new Normalized(ModelBaseConfig.create({ ...SMALL_MODEL, optimizer_config: SGD } as never), {
        ...dependencies,
        dropout: 0,
      }),
    ...options,
  });
  const averages = () => {
    const ema = built.trainer.callbacks.find((callback) => callback instanceof EmaCallback);
    return [ema?.parametersOf(null, 0.5), ema?.buffersOf(null)].map((tensors) =>
      [...(tensors ?? [])].map(([name, value]) => [name, value.toArray()]),
    );
  };
  return { ...built, averages };
}

const GOOD = [1, 2, -1, 0.5];
test.each([
  ["an update", { effective_batch_size: 2 }, [1, 2, NaN, 3, -1, 0.5]],
  ["the first pass of an update", { effective_batch_size: 4, max_batch_size: 2 }, [NaN, 3, 1, 2, 1, 2, -1, 0.5]],
  ["the last pass of an update", { effective_batch_size: 4, max_batch_size: 2 }, [1, 2, 3, NaN, 1, 2, -1, 0.5]],
])("weights, buffers and averages are as if there had not been a NaN in %s", async (what, trainer, values) => {
  const skipping = run(`skipping ${what}`, values, trainer);
  const without = run(`without ${what}`, GOOD, trainer);
  await skipping.trainer.train(skipping.model);
  await without.trainer.train(without.model);
  expect(weightsOf(skipping.model)).toEqual(weightsOf(without.model));
  expect(skipping.averages()).toEqual(without.averages());
  expect(skipping.trainer.updateCounter.update).toBe(without.trainer.updateCounter.update + 1);
});

test("no mean of losses and outputs has anything of it", async () => {
  const { trainer, model } = run("statistics", [1, 2, 3, NaN, 5, 6, 7, 8], {
    effective_batch_size: 4,
    max_batch_size: 2,
  });
  // whatever trainStep may return, the small trainer's lossCompute gives losses alone
  trainer.trainStep = ({ x, y }, network) => {
    const mse = (network.forward({ x }) as Tensor)
      .mul(0)
      .sum()
      .add((y as Tensor).mean());
    return toTrainerResult(new LossWithOutputs({ mse }, { mean: (y as Tensor).mean() }));
  };
  trainer.extraCallbacks = (dependencies) => [
    new OnlineLossCallback({ every_n_updates: 2, verbose: false }, dependencies),
    new OnlineLossCallback({ every_n_updates: 1, verbose: false, id: "each" }, dependencies),
    new TrackAdditionalOutputsCallback(
      {
        every_n_updates: 2,
        keys: ["mean"],
        patterns: null,
        verbose: false,
        reduce: "mean",
        log_output: true,
        save_output: false,
      } as never,
      dependencies,
    ),
  ];
  await trainer.train(model);
  const { logWriter } = trainer;
  expect(logWriter.getAllMetricValues("loss/online/mse/U2")).toEqual([13]); // of y: (10 + 12) / 2 and (14 + 16) / 2
  expect(logWriter.getAllMetricValues("mean/U2")).toEqual([13]);
  expect(logWriter.getAllMetricValues("loss/online/mse/U1")).toEqual([NaN, 13]);
});

test("updates are counted, not passes: one good pass does not make up for a NaN in every update", async () => {
  const values = Array.from({ length: 24 }, (_, i) => (i % 4 === 0 ? NaN : 1));
  const { trainer, model } = run("again and again", values, {
    effective_batch_size: 4,
    max_batch_size: 2,
    skip_nan_loss_max_count: 3,
  });
  await expect(trainer.train(model)).rejects.toThrow("4 times in a row");
});

test("an overflow under a scaled loss counts as skipped when no optimizer took its step", () => {
  const weight = new nn.Linear(1, 1);
  const overflow = { foundOverflow: true, scale: (loss: Tensor) => loss, isEnabled: () => true };
  const step = new GradientStep({
    gradScaler: overflow as never,
    nanGuard: new NanGuard({ skip: false, maxCount: 0 }),
  });
  const model = { isFrozen: false, nogradParamnames: [], optimizerStep: () => {}, optimizerZeroGrad: () => {} };
  const pass = { model: model as never, accumulationSteps: 2, totalLoss: weight.forward(full([1], 1)).sum() };
  void step.run({ ...pass, accumulationStep: 0, retainGraph: true });
  expect(step.skipsUpdate).toBe(false);
  void step.run({ ...pass, accumulationStep: 1 });
  expect(step.skipsUpdate).toBe(true);
});

describe("an update that fails", () => {
  const VALUES = [1, 2, -1, 0.5, 3, 1, 0, -2, 1, 1.5, -1, 2];
  const build = (dependencies: ModelOptions) =>
    new Normalized(ModelBaseConfig.create({ ...SMALL_MODEL } as never), { ...dependencies, dropout: 0.5 });
  const train = (runId: string, trainer: object = {}, options: Partial<SmallRunOptions> = {}) =>
    run(
      runId,
      VALUES,
      { max_epochs: 2, skip_nan_loss: false, ...trainer },
      { buildModel: build, shuffle: true, ...options },
    );
  const resumed = (from: string, tag: string) =>
    train(
      `resumed ${from}`,
      {
        initializer: {
          kind: "noether.core.initializers.ResumeInitializer",
          run_id: from,
          checkpoint_tag: tag,
          model_name: "small",
        },
      },
      { seed: 99 },
    );
  /** Lets the loss of one pass fail. */
  function failAt(trainer: SmallTrainer, pass: number, fail: (loss: Tensor) => Tensor): void {
    let count = 0;
    const { lossCompute } = trainer;
    trainer.lossCompute = (output, targets) => {
      const { mse } = lossCompute.call(trainer, output, targets) as { mse: Tensor };
      return { mse: count++ === pass ? fail(mse) : mse };
    };
  }

  let whole: ReturnType<typeof train>;
  beforeAll(async () => {
    whole = train("whole");
    await whole.trainer.train(whole.model);
  });

  test.each([
    ["inside an epoch", 8, "E1_U8_S16.error"],
    ["in the first update of an epoch", 6, "E1_U6_S12.error"],
    ["in the first update of the run", 0, "E0_U0_S0.error"],
  ])("can be done again from its checkpoint (%s)", async (what, pass, tag) => {
    const failing = train(`failed ${what}`);
    failAt(failing.trainer, pass, () => {
      throw new Error("out of luck");
    });
    await expect(failing.trainer.train(failing.model)).rejects.toThrow("out of luck");
    const again = resumed(`failed ${what}`, tag);
    await again.trainer.train(again.model);
    expect(weightsOf(again.model)).toEqual(weightsOf(whole.model));
    expect(again.averages()).toEqual(whole.averages());
  });

  test("because of a NaN leaves no NaN in the buffers of its checkpoint", async () => {
    const { trainer, model, pathProvider } = run("poisoned", [1, 2, NaN, 3], { skip_nan_loss: false });
    await expect(trainer.train(model)).rejects.toThrow("encountered nan loss");
    const { state_dict: state } = load<{ state_dict: Map<string, Tensor> }>(
      join(pathProvider.checkpointPath, "small_cp=E0_U1_S2.error_model.th"),
    );
    expect([...toMap<Tensor>(state)].filter(([, value]) => value.isnan().any().item())).toEqual([]);
    expect(weightsOf(model)["norm.num_batches_tracked"]).toBe(1);
  });

  test("in its last pass leaves no gradients", async () => {
    const { trainer, model } = train("gradients", { effective_batch_size: 4, max_batch_size: 2 });
    failAt(trainer, 3, () => {
      throw new Error("out of luck");
    });
    await expect(trainer.train(model)).rejects.toThrow("out of luck");
    expect(model.parameters().filter((parameter) => parameter.grad !== null)).toEqual([]);
  });
});

test.each(["trackAfterUpdateStep", "trackAfterAccumulationStep"] as const)(
  "an update after which a callback fails in %s has happened: it is in the averages of its checkpoint",
  async (hook) => {
    class Failing extends PeriodicCallback {
      [hook](...args: unknown[]): void {
        const counter =
          hook === "trackAfterUpdateStep" ? args[0] : (args[0] as { updateCounter: unknown }).updateCounter;
        if ((counter as { update: number }).update === (hook === "trackAfterUpdateStep" ? 2 : 1))
          throw new Error("out of luck");
      }
    }
    class Last extends EmaCallback {}
    const { trainer, model } = run(hook, [1, 2, 3, 4, 5, 6], { callbacks: null });
    const config = {
      every_n_epochs: 100,
      target_factors: [0.5],
      model_paths: null,
      save_weights: false,
      save_last_weights: false,
      save_latest_weights: false,
    };
    trainer.extraCallbacks = (dependencies) => [
      new Failing({ every_n_updates: 1 }, dependencies),
      new Last(config as never, dependencies),
    ];
    const weights: Tensor[] = [];
    const { fc2 } = model as Normalized;
    const note = (): void => void weights.push(keep(noGrad(() => fc2.bias!.detach().clone())));
    note();
    const { countUpdate } = { countUpdate: trainer.updateCounter.nextUpdate.bind(trainer.updateCounter) };
    trainer.updateCounter.nextUpdate = () => {
      note();
      countUpdate();
    };
    await expect(trainer.train(model)).rejects.toThrow("out of luck");
    const [w0, w1, w2] = weights.map((value) => Number(value.item()));
    const ema = trainer.callbacks.find((callback) => callback instanceof Last) as EmaCallback;
    expect(trainer.updateCounter.update).toBe(2);
    expect(Number(ema.parametersOf(null, 0.5)?.get("fc2.bias")?.item())).toBeCloseTo(
      (w0 as number) / 4 + (w1 as number) / 4 + (w2 as number) / 2,
      6,
    );
  },
);

describe("a backward pass that finds no memory", () => {
  /** Runs with dropout; backward passes number `failing` throw as libtorch does without memory. */
  async function weightsWith(runId: string, failing: readonly number[], trainer: object = {}): Promise<unknown> {
    const {
      trainer: own,
      model,
      averages,
    } = run(runId, GOOD, trainer, {
      buildModel: (dependencies) =>
        new Normalized(ModelBaseConfig.create({ ...SMALL_MODEL, optimizer_config: SGD } as never), {
          ...dependencies,
          dropout: 0.5,
        }),
    });
    let passes = 0;
    own.trainStep = ({ x, y }, network) => {
      const output = network.forward({ x }) as Tensor;
      output.registerHook(() => {
        passes += 1;
        if (failing.includes(passes))
          throw new TorchError("backward: no memory", { code: "ERR_OUT_OF_MEMORY", operator: "backward" });
      });
      return toTrainerResult({
        mse: output
          .sub(y as Tensor)
          .square()
          .mean(),
      });
    };
    await own.train(model);
    return [weightsOf(model), averages()];
  }

  test("runs again, as if nothing had been", async () => {
    expect(await weightsWith("with room after", [2])).toEqual(await weightsWith("with room", []));
  });

  test("is an error the second time", async () => {
    await expect(weightsWith("without room", [2, 3])).rejects.toThrow("no memory");
  });

  test("is an error where earlier passes of the update would be lost", async () => {
    const passes = { effective_batch_size: 4, max_batch_size: 2 };
    await expect(weightsWith("in passes", [2], passes)).rejects.toThrow("no memory");
  });
});
