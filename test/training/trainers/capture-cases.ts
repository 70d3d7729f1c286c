/**
 * What captured training has to keep, on any device: the cases run as tests (`update-capture.test.ts` with a recorder of closures on
 * the CPU, `test/cuda` on a GPU), and each throws where it fails.
 */
import { dropout, manualSeed, mseLoss, nn, rand, scope, autocast, type Tensor } from "../../../lib/torch";
import type { DeviceBatch } from "../../../lib/core/interfaces/data";
import { TrainingIteration, UpdateCounter } from "../../../lib/core/iteration";
import { Model } from "../../../lib/core/models";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { GradScaler, type GradScalerLike, NoopGradScaler } from "../../../lib/torch/amp";
import type { Recorder } from "../../../lib/torch/cuda/captured-function";
import { GradientStep } from "../../../lib/training/trainers/gradient-step";
import { NanGuard } from "../../../lib/training/trainers/nan-guard";
import { UpdateCapture } from "../../../lib/training/trainers/update-capture";
import type { UpdateStep } from "../../../lib/training/trainers/types";

/** One case: throws where captured training is not what it should be. */
export interface CaptureCase {
  readonly name: string;
  run(): Promise<void>;
}

interface Setting {
  readonly captured: boolean;
  readonly optimizer?: Record<string, unknown>;
  readonly precision?: "float32" | "bfloat16" | "float16";
  readonly dropout?: number;
  readonly passes?: number;
  readonly looks?: boolean;
  readonly skipsNanLoss?: boolean;
  /** Rows of the batch of an update. */
  readonly rows?: (update: number) => number;
  /** Values that the inputs of an update are multiplied by. */
  readonly factor?: (update: number) => number;
  readonly initScale?: number;
  readonly readsInForward?: boolean;
}

interface Trajectory {
  readonly losses: number[];
  readonly weights: number[];
  readonly skipped: number[];
  readonly rates: number[];
  readonly fallBack: string | null;
  readonly replays: number;
  readonly scale: number | null;
}

const UPDATES = 20;

class Net extends Model {
  readonly inner: nn.Linear;
  readonly outer: nn.Linear;
  readonly norm: nn.LayerNorm;
  readsInForward = false;
  p = 0;

  constructor(config: ModelBaseConfig, updateCounter: UpdateCounter) {
    super(config, { updateCounter });
    this.inner = new nn.Linear(6, 32);
    this.norm = new nn.LayerNorm(32);
    this.outer = new nn.Linear(32, 3);
  }

  override forward({ x }: { x: Tensor }): Tensor {
    const hidden = dropout(this.norm.forward(this.inner.forward(x)).relu(), this.p, this.training); // (B, 32)
    if (this.readsInForward && hidden.sum().item() === Infinity) throw new Error("too large");
    return this.outer.forward(hidden); // (B, 3)
  }
}

/** The cases for a device. */
export function captureCases(
  device: string,
  {
    recorderOf,
  }: {
    /** Stands in for CUDA graphs. */
    readonly recorderOf?: (model: Model, scaler: GradScalerLike, onReplay: () => void) => () => Recorder;
  } = {},
): CaptureCase[] {
  async function train(setting: Setting): Promise<Trajectory> {
    manualSeed(3);
    const counter = new UpdateCounter({
      startIteration: new TrainingIteration(0, 0, 0),
      endIteration: new TrainingIteration(null, UPDATES),
      updatesPerEpoch: UPDATES,
      effectiveBatchSize: 1,
    });
    const optimizer_config = {
      kind: "torch.optim.AdamW",
      lr: 1e-2,
      weight_decay: 0.05,
      clip_grad_norm: 0.5,
      ...setting.optimizer,
    };
    const model = new Net(ModelBaseConfig.create({ kind: "Net", name: "net", optimizer_config }), counter);
    model.readsInForward = setting.readsInForward ?? false;
    model.p = setting.dropout ?? 0;
    const data = rand([40, 9]); // on the CPU: the same numbers on every device
    model.to(device);
    model.initialize({ evaluation: false });
    const { precision = "float32", passes = 1 } = setting;
    const gradScaler =
      precision === "float16" || setting.initScale !== undefined
        ? new GradScaler({ initScale: setting.initScale ?? 1024, growthInterval: 4 })
        : new NoopGradScaler();
    const nanGuard = new NanGuard({ skip: setting.skipsNanLoss ?? false, maxCount: 100 });
    const gradientStep = new GradientStep({ gradScaler, nanGuard });
    const forward = (batch: DeviceBatch) => {
      const run = () => ({ totalLoss: mseLoss(model.forward({ x: batch["x"]! }).to("float32"), batch["y"]!) });
      return precision === "float32" ? run() : autocast({ deviceType: device.split(":")[0]!, dtype: precision }, run);
    };
    let replays = 0;
    const recorder = recorderOf?.(model, gradScaler, () => replays++);
    const capture = setting.captured
      ? new UpdateCapture({
          device,
          gradScaler,
          gradientStep,
          skipsNanLoss: setting.skipsNanLoss ?? false,
          forward,
          ...(recorder === undefined ? {} : { recorder }),
        })
      : null;
    const result: Trajectory = {
      losses: [],
      weights: [],
      skipped: [],
      rates: [],
      fallBack: null,
      replays: 0,
      scale: null,
    };
    const beforeOptimizerStep = setting.looks
      ? async () => {
          await Promise.resolve();
          result.rates.push(model.optimizer!.gradNorm().item());
        }
      : null;
    model.train();
    for (let update = 0; update < UPDATES; update++) {
      await scope(async () => {
        model.optimizerScheduleStep();
        let skipped = false;
        for (let pass = 0; pass < passes; pass++) {
          const rows = setting.rows?.(update) ?? 16;
          const part = data.narrow(0, (update * 3 + pass) % (40 - rows), rows); // (B, 9)
          const batch = {
            x: part
              .narrow(1, 0, 6)
              .mul(setting.factor?.(update) ?? 1)
              .to(device),
            y: part.narrow(1, 6, 3).contiguous().to(device),
          };
          const step: UpdateStep = {
            batch,
            model,
            accumulationSteps: passes,
            accumulationStep: update * passes + pass,
            beforeOptimizerStep,
          };
          const captured = await capture?.run(step);
          let loss: Tensor;
          if (captured != null) {
            loss = captured.losses["total"]!;
            skipped = captured.skipped ?? false;
          } else {
            const { totalLoss } = forward(batch);
            await gradientStep.run({ ...step, totalLoss });
            loss = totalLoss.detach();
            skipped = gradientStep.skipsUpdate;
          }
          result.losses.push(loss.item());
        }
        if (skipped) result.skipped.push(update);
        counter.addSamples(1);
        counter.nextUpdate();
        if (counter.isFullEpoch) counter.nextEpoch();
      });
    }
    const weights = scope(() =>
      model.parameters().flatMap((one) => one.detach().to("cpu").reshape([-1]).toArray() as number[]),
    );
    const scale = gradScaler instanceof GradScaler ? gradScaler.getScale() : null;
    const fallBack = capture?.fallBack ?? null;
    capture?.close();
    return { ...result, weights, fallBack, replays, scale };
  }

  /** Captured training is eager training. */
  async function compare(setting: Omit<Setting, "captured">, tolerance = 2e-5): Promise<[Trajectory, Trajectory]> {
    const eager = await train({ ...setting, captured: false });
    const captured = await train({ ...setting, captured: true });
    // each shape runs as it is once; what was recorded is replayed from its second time on
    if (recorderOf !== undefined && captured.fallBack === null && captured.replays < 15)
      throw new Error(`expected at least 15 replays, got ${captured.replays}`);
    expectClose("losses", captured.losses, eager.losses, tolerance);
    expectClose("weights", captured.weights, eager.weights, tolerance);
    expectSame("updates that were skipped", captured.skipped, eager.skipped);
    expectClose("norms of gradients", captured.rates, eager.rates, 1e-4);
    expectSame("loss scale", captured.scale, eager.scale);
    return [captured, eager];
  }

  const expectCaptured = ({ fallBack }: Trajectory) => expectSame("reason for not capturing", fallBack, null);
  const schedule_config = {
    kind: "noether.core.schedules.LinearWarmupCosineDecaySchedule",
    warmup_steps: 5,
    max_value: 0.02,
    end_value: 0.0001,
  };
  const as = (name: string, setting: Omit<Setting, "captured">, tolerance?: number): CaptureCase => ({
    name,
    run: async () => expectCaptured((await compare(setting, tolerance))[0]),
  });

  return [
    as("20 updates are those of eager training", {}),
    as("batches of two shapes, one graph each", { rows: (update) => (update % 3 === 0 ? 8 : 16) }),
    as("the learning rate follows its schedule", { optimizer: { schedule_config } }),
    as("learning rate and weight decay follow their schedules", {
      optimizer: { schedule_config, weight_decay_schedule: { ...schedule_config, max_value: 0.3, end_value: 0.01 } },
    }),
    as("gradients clipped by value", { optimizer: { clip_grad_value: 0.01, clip_grad_norm: null } }),
    as("passes of an update add up", { passes: 3 }),
    as("a callback looks at the gradients", { looks: true }),
    as("a callback looks at the gradients of several passes", { looks: true, passes: 2 }),
    as("SGD with momentum", { optimizer: { kind: "torch.optim.SGD", momentum: 0.9 } }),
    as("Lion", {
      optimizer: {
        kind: "noether.core.optimizer.Lion",
        lr: 1e-3,
        schedule_config: { ...schedule_config, max_value: 1e-3 },
      },
    }),
    as(
      // the secondary optimizer is not Lion: after the rounding of bfloat16 signs of tiny momenta differ
      "MuonComposite",
      {
        optimizer: {
          kind: "noether.core.optimizer.MuonComposite",
          lr: 1e-2,
          schedule_config,
          secondary: { kind: "torch.optim.AdamW", lr: 1e-3 },
        },
      },
      2e-3,
    ),
    as("an optimizer that reads numbers", { optimizer: { kind: "torch.optim.NAdam", schedule_config } }),
    as("bfloat16", { precision: "bfloat16" }, 2e-2),
    {
      name: "updates with an overflow are left out, and the loss scale follows",
      run: async () => {
        // inputs that are infinite overflow in any precision
        const [captured] = await compare({ initScale: 1024, factor: (update) => (update === 7 ? Infinity : 1) });
        expectCaptured(captured);
        expectSame("updates that were skipped", captured.skipped, [7]);
      },
    },
    {
      name: "overflows with an optimizer that has to know of them first",
      run: async () => {
        const [captured] = await compare({
          initScale: 1024,
          factor: (update) => (update === 7 ? Infinity : 1),
          optimizer: { kind: "noether.core.optimizer.Lion", lr: 1e-3 },
        });
        expectCaptured(captured);
        expectSame("updates that were skipped", captured.skipped, [7]);
      },
    },
    {
      name: "updates with a NaN loss are left out where that is wanted",
      run: async () => {
        const [captured] = await compare({ skipsNanLoss: true, factor: (update) => (update === 9 ? NaN : 1) });
        expectCaptured(captured);
        expectSame("updates that were skipped", captured.skipped, [9]);
      },
    },
    {
      name: "dropout changes from update to update, as without capture",
      run: async () => {
        const still = { factor: () => 0, optimizer: { lr: 1e-12, weight_decay: 0 }, rows: () => 39 };
        const { losses, fallBack } = await train({ ...still, captured: true, dropout: 0.5 });
        expectSame("reason for not capturing", fallBack, null);
        // the same batch and weights each time: only the dropped entries differ
        const distinct = new Set(losses.slice(3)).size;
        if (distinct < 15) throw new Error(`expected 17 updates with losses of their own, got ${distinct}`);
        await compare({ dropout: 0.3 });
      },
    },
    {
      name: "float16",
      run: async () => {
        if (device.startsWith("cpu")) return; // autocast to float16 is for GPUs
        expectCaptured((await compare({ precision: "float16" }, 2e-2))[0]);
      },
    },
    {
      name: "a forward pass that reads from the device runs as it is, with the reason",
      run: async () => {
        if (device.startsWith("cpu")) return; // nothing is read from a device there
        const [{ fallBack }] = await compare({ readsInForward: true, dropout: 0.2 });
        if (fallBack === null || !fallBack.includes("cannot be recorded"))
          throw new Error(`expected a reason for not capturing, got ${fallBack}`);
        // and the process can record afterwards
        expectCaptured((await compare({ dropout: 0.2 }))[0]);
      },
    },
  ];
}

function expectSame(what: string, got: unknown, expected: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(expected))
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

function expectClose(what: string, got: readonly number[], expected: readonly number[], tolerance: number): void {
  expectSame(`number of ${what}`, got.length, expected.length);
  for (const [i, value] of expected.entries()) {
    const actual = got[i]!;
    if (Number.isNaN(value) && Number.isNaN(actual)) continue;
    if (value === actual) continue;
    if (!(Math.abs(actual - value) <= tolerance * (1 + Math.abs(value))))
      throw new Error(`${what}[${i}]: expected ${value} within ${tolerance}, got ${actual}`);
  }
}

/** For recorders of closures: the tensors whose values a recording must leave alone. */
export function stateOf(model: Model): Tensor[] {
  const { optimizer } = model;
  const state = [...(optimizer?.torchOptim.state.values() ?? [])].flatMap((entries) => Object.values(entries));
  return [
    ...model.parameters(),
    ...model.parameters().flatMap((parameter) => parameter.grad ?? []),
    ...state.filter((value): value is Tensor => typeof value === "object" && value !== null && "shape" in value),
  ];
}
