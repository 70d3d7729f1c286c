import { existsSync } from "node:fs";
import { join } from "node:path";

import { countTensors, full, load, nn, tensor, type Tensor, toMap } from "../../../lib/torch";
import {
  type AccumulationStep,
  EarlyStopIteration,
  PeriodicCallback,
  type PeriodicCallbackContext,
  PeriodicDataIteratorCallback,
} from "../../../lib/core/callbacks";
import { CompositeModel, Model, type ModelBase, type ModelDependencies } from "../../../lib/core/models";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import type { DeviceBatch } from "../../../lib/core/interfaces/data";
import type { TrainerResult } from "../../../lib/core/callbacks/trainer";
import { ValueError } from "../../../lib/config/python-errors";
import type { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { Logger } from "../../../lib/core/logging/logger";
import { BaseTrainer, LossWithOutputs } from "../../../lib/training";
import { getBatchSizes } from "../../../lib/training/trainers/batch-size";
import { toTrainerResult } from "../../../lib/training/trainers/result";
import { smallData, smallRun, SmallTrainer, temporaryFolder, weightsOf } from "../../support/small-run";
import { collectGarbage } from "../../support/collect-garbage";

beforeAll(collectGarbage);

const folder = temporaryFolder();
afterAll(() => folder.remove());
const outputRootPath = folder.path;

describe("construction", () => {
  test("where training starts", () => {
    expect(String(smallRun({ outputRootPath }).trainer.startCheckpoint)).toBe("E0_U0_S0");
    const { trainer } = smallRun({ outputRootPath, dataContainer: smallData(40), trainer: { start_at_epoch: 2 } });
    expect(String(trainer.startCheckpoint)).toBe("E2_U20_S80");
  });

  test("fewer samples than an update needs", () =>
    expect(() => smallRun({ outputRootPath, dataContainer: smallData(2) })).toThrow(
      "fewer than effective_batch_size 4",
    ));

  test("train and wrapModel cannot be overridden", () => {
    class Own extends SmallTrainer {
      override async train(): Promise<void> {}
    }
    const { trainer } = smallRun({ outputRootPath });
    const dependencies = {
      dataContainer: trainer.dataContainer,
      device: "cpu",
      tracker: trainer.tracker,
      pathProvider: trainer.pathProvider,
    };
    expect(() => new Own(trainer.config, dependencies)).toThrow(ValueError);
  });

  test("length of the run in updates", () => {
    const total = (trainer: Record<string, unknown>) =>
      smallRun({ outputRootPath, trainer }).trainer.totalTrainingUpdates;
    expect([total({ max_epochs: 2 }), total({ max_updates: 7 }), total({ max_samples: 30 })]).toEqual([6, 7, 7]);
  });
});

describe("batch sizes", () => {
  const sizes = (effectiveBatchSize: number, maxBatchSize: number | null, worldSize = 1) =>
    getBatchSizes({ effectiveBatchSize, maxBatchSize, worldSize, numNodes: 1, disableGradientAccumulation: false });

  test.each([
    [8, 2, { batchSize: 2, accumulationSteps: 4 }],
    [4, 8, { batchSize: 4, accumulationSteps: 1 }],
    [4, null, { batchSize: 4, accumulationSteps: 1 }],
  ])("%d samples, at most %s at once", (effective, max, expected) => expect(sizes(effective, max)).toEqual(expected));

  test("sizes that do not divide are refused", () => {
    expect(() => sizes(7, 4)).toThrow("multiple of max_batch_size");
    expect(() => sizes(5, null, 2)).toThrow("number of processes");
  });
});

describe("losses", () => {
  const value = (x: Tensor): number => Number(x.item());
  test("one tensor", () => {
    const { totalLoss, lossesToLog } = toTrainerResult(full([], 2));
    expect([value(totalLoss), Object.keys(lossesToLog ?? {})]).toEqual([2, ["loss"]]);
  });
  test("by name", () => {
    const { totalLoss, lossesToLog } = toTrainerResult({ a: full([], 1), b: full([], 0.5) });
    expect([value(totalLoss), Object.keys(lossesToLog ?? {})]).toEqual([1.5, ["a", "b"]]);
  });
  test("a list", () =>
    expect(Object.keys(toTrainerResult([full([], 1), full([], 2)]).lossesToLog ?? {})).toEqual(["loss_0", "loss_1"]));
  test("with further outputs", () =>
    expect(toTrainerResult(new LossWithOutputs(full([], 1), { mask: 3 })).additionalOutputs).toEqual({ mask: 3 }));
  test("none at all is refused", () => expect(() => toTrainerResult({})).toThrow(ValueError));
  test("a trainer without lossCompute says what is missing", async () => {
    class Bare extends BaseTrainer {}
    const { trainer, model } = smallRun({ outputRootPath });
    const bare = new Bare(trainer.config, {
      dataContainer: trainer.dataContainer,
      device: "cpu",
      tracker: trainer.tracker,
      pathProvider: trainer.pathProvider,
    });
    await expect(bare.train(model)).rejects.toThrow("implement lossCompute");
  });
});

/** Notes what is called when. */
class Spy extends PeriodicCallback {
  readonly calls: string[] = [];

  override trackAfterAccumulationStep({ accumulationStep, losses }: AccumulationStep): void {
    this.calls.push(`pass ${accumulationStep} ${Object.keys(losses).join("+")}`);
  }
  override trackAfterUpdateStep({ curIteration }: UpdateCounter): void {
    this.calls.push(`track ${curIteration}`);
  }
  override periodicCallback({ intervalType, updateCounter }: PeriodicCallbackContext): void {
    this.calls.push(`${intervalType} ${updateCounter.curIteration}${updateCounter.isFinished ? " finished" : ""}`);
  }
  override beforeTraining(): void {
    this.calls.push("before");
  }
  override afterTraining(): void {
    this.calls.push("after");
  }
}

describe("the training loop", () => {
  test("hooks in their order", async () => {
    const { trainer, model } = smallRun({ outputRootPath, trainer: { max_epochs: 1 }, dataContainer: smallData(8) });
    let spy!: Spy;
    trainer.extraCallbacks = (dependencies) => [(spy = new Spy({ every_n_epochs: 1 }, dependencies))];
    await trainer.train(model);
    expect(spy.calls).toEqual([
      "before",
      "pass 0 total+mse",
      "track E0_U1_S4",
      "pass 1 total+mse",
      "track E1_U2_S8",
      "epoch E1_U2_S8 finished",
      "after",
    ]);
  });

  test("five samples one by one, three epochs: 15 updates, three passes, the last of each at the end", async () => {
    const length = { effective_batch_size: 1, max_epochs: 3 };
    const { trainer, model } = smallRun({ outputRootPath, trainer: length, dataContainer: smallData(5) });
    let spy!: Spy;
    trainer.extraCallbacks = (dependencies) => [(spy = new Spy({ every_n_epochs: 1 }, dependencies))];
    await trainer.train(model);
    const [updates, passes] = ["track", "epoch"].map((what) => spy.calls.filter((call) => call.startsWith(what)));
    expect([updates!.length, updates!.at(-1)]).toEqual([15, "track E3_U15_S15"]);
    expect(passes).toEqual(["epoch E1_U5_S5", "epoch E2_U10_S10", "epoch E3_U15_S15 finished"]);
  });

  test.each([
    [{ max_updates: 5 }, "E1_U5_S20"],
    [{ max_samples: 17 }, "E1_U4_S16"],
    [{ max_epochs: 2 }, "E2_U6_S24"],
  ])("ends cleanly with %j", async (trainerConfig, end) => {
    const { trainer, model } = smallRun({ outputRootPath, trainer: trainerConfig });
    let spy!: Spy;
    trainer.extraCallbacks = (dependencies) => [(spy = new Spy({ every_n_updates: 100 }, dependencies))];
    await trainer.train(model);
    expect(String(trainer.updateCounter.curIteration)).toBe(end);
    expect(spy.calls.at(-1)).toBe("after");
  });

  test.each([{ max_updates: 0 }, { max_samples: 0 }, { max_epochs: 0 }])(
    "a run of %j evaluates once",
    async (length) => {
      const { trainer, model } = smallRun({ outputRootPath, trainer: length });
      let spy!: Spy;
      trainer.extraCallbacks = (dependencies) => [(spy = new Spy({ every_n_updates: 1 }, dependencies))];
      const before = weightsOf(model);
      await trainer.train(model);
      expect(spy.calls).toEqual(["before", "eval E0_U0_S0 finished", "after"]);
      expect(weightsOf(model)).toEqual(before);
    },
  );

  test("gradient accumulation: two passes of two samples are one of four", async () => {
    const deterministic = {
      model: { optimizer_config: { kind: "torch.optim.SGD", lr: 0.1 } },
      dataContainer: smallData(8),
    };
    const run = async (trainer: Record<string, unknown>) => {
      const built = smallRun({ outputRootPath, ...deterministic, trainer: { max_epochs: 1, ...trainer } });
      (built.model as unknown as { dropout: { p: number } }).dropout.p = 0;
      let spy!: Spy;
      built.trainer.extraCallbacks = (dependencies) => [(spy = new Spy({ every_n_updates: 1 }, dependencies))];
      await built.trainer.train(built.model);
      return { weights: weightsOf(built.model), calls: spy.calls };
    };
    const whole = await run({});
    const parts = await run({ max_batch_size: 2, disable_gradient_accumulation: false });
    expect(parts.calls.filter((call) => call.startsWith("pass"))).toHaveLength(4);
    expect(parts.calls.filter((call) => call.startsWith("track"))).toHaveLength(2);
    for (const [name, value] of Object.entries(whole.weights)) {
      const [a, b] = [tensor(value as number[]), tensor(parts.weights[name] as number[])];
      expect(Number(a.sub(b).abs().max().item())).toBeLessThan(1e-6);
    }
  });

  test("activation checkpointing trains the same weights, and asks for a model with blocks", async () => {
    class Blocks extends Model {
      readonly blocks = new nn.ModuleList(
        [0, 1].map(() => new nn.Sequential(new nn.Linear(2, 2), new nn.Dropout(0.3))),
      );
      readonly head = new nn.Linear(2, 1);
      override forward({ x }: { x: Tensor }): Tensor {
        for (const block of this.blocks) x = x.add(block.forward(x).tanh());
        return this.head.forward(x);
      }
    }
    const config = ModelBaseConfig.create({
      kind: "Blocks",
      name: "m",
      optimizer_config: { kind: "torch.optim.SGD", lr: 0.1 },
    });
    const run = async (
      activation_checkpointing: boolean,
      buildModel?: (dependencies: ModelDependencies) => ModelBase,
    ) => {
      const built = smallRun({ outputRootPath, trainer: { activation_checkpointing }, buildModel });
      await built.trainer.train(built.model);
      return weightsOf(built.model);
    };
    const build = (dependencies: ModelDependencies) => new Blocks(config, dependencies);
    expect(await run(true, build)).toEqual(await run(false, build));
    class Pair extends CompositeModel {
      readonly first: Blocks;
      readonly second: Blocks;
      constructor(dependencies: ModelDependencies) {
        super(ModelBaseConfig.create({ kind: "Pair", name: "pair" }), dependencies);
        this.first = build(dependencies);
        this.second = build(dependencies);
      }
      override get submodels() {
        return { first: this.first, second: this.second, none: null };
      }
      override forward(input: { x: Tensor }): Tensor {
        return this.first.forward(input).add(this.second.forward(input));
      }
    }
    const pair = (dependencies: ModelDependencies) => new Pair(dependencies);
    expect(await run(true, pair)).toEqual(await run(false, pair));
    await expect(run(true)).rejects.toThrow(/expected a model with blocks in an nn.ModuleList, but 'small' has none/);
  });

  test("use_torch_compile means capture, which says why it has no effect on the CPU", async () => {
    const { trainer, model } = smallRun({ outputRootPath, trainer: { use_torch_compile: true, max_epochs: 1 } });
    const lines: string[] = [];
    for (const level of ["info", "warning"] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation((...args: unknown[]) => void lines.push(String(args[0])));
    await trainer.train(model);
    jest.restoreAllMocks();
    expect(lines.join()).toContain("updates are captured instead");
    expect(lines.join()).toMatch(/capture has no effect: on cpu/);
  });

  test("batches that are too few for an update are left out", async () => {
    // 10 samples, 4 per update, 2 per pass: two updates of two passes, one pass is left over in each epoch.
    const { trainer, model } = smallRun({
      outputRootPath,
      dataContainer: smallData(10),
      trainer: { max_epochs: 2, max_batch_size: 2, disable_gradient_accumulation: false },
    });
    const seen: number[][] = [];
    trainer.extraCallbacks = (dependencies) => {
      const spy = new Spy({ every_n_updates: 1 }, dependencies);
      spy.trackAfterAccumulationStep = ({ batch }) => void seen.push((batch["index"] as Tensor).toArray() as number[]);
      return [spy];
    };
    await trainer.train(model);
    expect(seen).toHaveLength(8);
    expect(new Set(seen.slice(0, 4).flat()).size).toBe(8);
    expect(new Set(seen.slice(4).flat()).size).toBe(8);
  });

  test("no tensor is left behind by an update", async () => {
    const { trainer, model } = smallRun({
      outputRootPath,
      trainer: {
        max_epochs: 6,
        callbacks: [{ kind: "noether.training.callbacks.OfflineLossCallback", every_n_epochs: 1, dataset_key: "test" }],
      },
    });
    const live: number[] = [];
    trainer.extraCallbacks = (dependencies) => {
      const spy = new Spy({ every_n_epochs: 1 }, dependencies);
      spy.periodicCallback = () => void live.push(countTensors());
      return [spy];
    };
    await trainer.train(model);
    expect(new Set(live.slice(1)).size).toBe(1);
  });

  test("an asynchronous step", async () => {
    class Async extends SmallTrainer {
      override async trainStep(
        batch: DeviceBatch,
        model: Parameters<SmallTrainer["trainStep"]>[1],
      ): Promise<TrainerResult> {
        await Promise.resolve();
        return super.trainStep(batch, model);
      }
    }
    const { trainer, model } = smallRun({ outputRootPath });
    const own = new Async(trainer.config, {
      dataContainer: smallData(),
      device: "cpu",
      tracker: trainer.tracker,
      pathProvider: trainer.pathProvider,
    });
    const before = weightsOf(model);
    await own.train(model);
    expect(weightsOf(model)).not.toEqual(before);
  });

  test("bfloat16 runs under autocast, the weights stay float32, an evaluation runs in their precision", async () => {
    const callbacks = [
      { kind: "noether.training.callbacks.OfflineLossCallback", every_n_epochs: 1, dataset_key: "test" },
    ];
    const { trainer, model } = smallRun({ outputRootPath, trainer: { precision: "bf16", max_epochs: 1, callbacks } });
    const dtypes: string[] = [];
    const inner = trainer.lossCompute.bind(trainer);
    trainer.lossCompute = (output, targets) => {
      dtypes.push(output.dtype);
      return inner(output, targets);
    };
    await trainer.train(model);
    expect(dtypes).toEqual(["bfloat16", "bfloat16", "bfloat16", "float32", "float32"]);
    expect([...model.stateDict().values()].every((weight) => weight.dtype === "float32")).toBe(true);
  });
});

describe("callbacks over a data set", () => {
  class Collect extends PeriodicDataIteratorCallback {
    readonly seen: number[][] = [];
    override processData(batch: DeviceBatch): Tensor {
      this.seen.push((batch["index"] as Tensor).toArray() as number[]);
      return batch["y"] as Tensor;
    }
    override processResults(results: unknown): void {
      expect((results as Tensor).shape).toEqual([2, 1]);
    }
  }

  test.each([{}, { effective_batch_size: 2, max_batch_size: 1, disable_gradient_accumulation: false }])(
    "get exactly their samples, in order (%j)",
    async (sizes) => {
      const { trainer, model } = smallRun({
        outputRootPath,
        dataContainer: smallData(5, 2),
        trainer: { effective_batch_size: 1, max_epochs: 2, ...sizes },
      });
      let collect!: Collect;
      trainer.extraCallbacks = (dependencies) => [
        (collect = new Collect(
          { name: "PeriodicDataIteratorCallback", every_n_epochs: 1, dataset_key: "test", batch_size: 1 } as never,
          dependencies,
        )),
      ];
      await trainer.train(model);
      expect(collect.seen).toEqual([[0], [1], [0], [1]]);
    },
  );
});

describe("when something fails", () => {
  /** Fails at the second update. */
  class Failing extends Spy {
    override periodicCallback({ updateCounter }: PeriodicCallbackContext): void {
      if (updateCounter.update === 2) throw new Error("out of luck");
    }
  }

  test("a failing callback: the others run, a checkpoint is saved, the error comes out", async () => {
    const { trainer, model, pathProvider } = smallRun({ outputRootPath, runId: "failing" });
    let spy!: Spy;
    trainer.extraCallbacks = (dependencies) => [
      new Failing({ every_n_updates: 1 }, dependencies),
      (spy = new Spy({ every_n_updates: 1 }, dependencies)),
    ];
    await expect(trainer.train(model)).rejects.toThrow("out of luck");
    expect(spy.calls).toContain("update E0_U2_S8");
    expect(existsSync(join(pathProvider.checkpointPath, "small_cp=E0_U2_S8.error_trainer.th"))).toBe(true);
  });

  test("a callback that fails right after the optimizer's step: the checkpoint counts that step", async () => {
    const { trainer, model, pathProvider } = smallRun({ outputRootPath, runId: "failing-in-update" });
    trainer.extraCallbacks = (dependencies) => {
      const spy = new Spy({ every_n_updates: 1 }, dependencies);
      spy.trackAfterAccumulationStep = ({ updateCounter }) => {
        if (updateCounter.update === 1) throw new Error("out of luck");
      };
      return [spy];
    };
    await expect(trainer.train(model)).rejects.toThrow("out of luck");
    expect(existsSync(join(pathProvider.checkpointPath, "small_cp=E0_U2_S8.error_model.th"))).toBe(true);
  });

  test("a callback that ends training: the end of the epoch still has its callbacks", async () => {
    class Stop extends Spy {
      override periodicCallback(): void {
        throw new EarlyStopIteration("enough");
      }
    }
    const { trainer, model, pathProvider } = smallRun({ outputRootPath, runId: "stopping" });
    let spy!: Spy;
    trainer.extraCallbacks = (dependencies) => [
      new Stop({ every_n_updates: 3 }, dependencies),
      (spy = new Spy({ every_n_epochs: 1 }, dependencies)),
    ];
    await trainer.train(model);
    expect(spy.calls.slice(-2)).toEqual(["epoch E1_U3_S12", "after"]);
    expect(existsSync(join(pathProvider.checkpointPath, "small_cp=E1_U3_S12.early_exit_model.th"))).toBe(true);
  });

  /** Loss NaN at the given passes. */
  function withNan(trainer: SmallTrainer, passes: readonly number[]): void {
    const inner = trainer.lossCompute.bind(trainer);
    let pass = 0;
    trainer.lossCompute = (output, targets) => {
      const losses = inner(output, targets) as { mse: Tensor };
      return passes.includes(pass++) ? { mse: losses.mse.mul(NaN) } : losses;
    };
  }

  test("a NaN loss stops training before it reaches the weights", async () => {
    const { trainer, model, pathProvider } = smallRun({ outputRootPath, runId: "nan" });
    withNan(trainer, [1]);
    await expect(trainer.train(model)).rejects.toThrow(
      /encountered nan loss in the update after E0_U1_S4.*skip_nan_loss/,
    );
    expect(JSON.stringify(weightsOf(model))).not.toContain("null");
    expect(existsSync(join(pathProvider.checkpointPath, "small_cp=E0_U1_S4.error_trainer.th"))).toBe(true);
  });

  test("the metrics of a run that fails are written", async () => {
    const { trainer, model, pathProvider } = smallRun({
      outputRootPath,
      runId: "failed",
      trainer: { add_default_callbacks: true, log_every_n_updates: 1, track_every_n_updates: 2 },
    });
    withNan(trainer, [2]);
    await expect(trainer.train(model)).rejects.toThrow("nan loss");
    expect(existsSync(pathProvider.basetrackerEntriesUri)).toBe(true);
  });

  test("skip_nan_loss leaves the update out", async () => {
    const { trainer, model } = smallRun({ outputRootPath, trainer: { skip_nan_loss: true } });
    withNan(trainer, [1, 2]);
    await trainer.train(model);
    expect(trainer.updateCounter.isFinished).toBe(true);
    expect(trainer.skipNanLossCounter).toBe(0);
    expect(JSON.stringify(weightsOf(model))).not.toContain("null");
  });

  test("too many NaN losses in a row end training", async () => {
    const { trainer, model } = smallRun({
      outputRootPath,
      trainer: { skip_nan_loss: true, skip_nan_loss_max_count: 2 },
    });
    withNan(trainer, [1, 2, 3]);
    await expect(trainer.train(model)).rejects.toThrow("3 times in a row");
  });

  test("a step that returns no result says what it should return", async () => {
    const { trainer, model } = smallRun({ outputRootPath });
    trainer.trainStep = () => ({}) as TrainerResult;
    await expect(trainer.train(model)).rejects.toThrow("TrainerResult");
  });
});

describe("evaluation", () => {
  test("metrics from before an error are kept", async () => {
    const { trainer, model, pathProvider } = smallRun({ outputRootPath, runId: "failed" });
    class Failing extends PeriodicCallback {
      override periodicCallback(): void {
        this.writer.addScalar("seen", 1);
        throw new RangeError("no");
      }
    }
    trainer.getUserCallbacks = () => [
      new Failing(
        { every_n_epochs: 1 },
        { ...trainer, trainer, model, logWriter: trainer.logWriter, checkpointWriter: trainer.checkpointWriter },
      ),
    ];
    await expect(trainer.eval(model)).rejects.toThrow(RangeError);
    expect(toMap(load(pathProvider.basetrackerEntriesUri)).has("seen")).toBe(true);
  });

  test("metrics of all callbacks are kept, nothing is trained or saved", async () => {
    const callbacks = [
      { kind: "noether.training.callbacks.OfflineLossCallback", every_n_epochs: 1, dataset_key: "test" },
      { kind: "noether.core.callbacks.CheckpointCallback", every_n_epochs: 1 },
    ];
    const { trainer, model, pathProvider } = smallRun({
      outputRootPath,
      runId: "evaluated",
      trainer: { callbacks },
      model: { optimizer_config: null },
    });
    const before = weightsOf(model);
    await trainer.eval(model);
    expect(weightsOf(model)).toEqual(before);
    expect(trainer.logWriter.getAllMetricValues("loss/test/mse")).toHaveLength(1);
    expect(existsSync(pathProvider.basetrackerEntriesUri)).toBe(true);
    expect(existsSync(pathProvider.checkpointPath)).toBe(false);
  });
});
