import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { keep, loadSafetensors, nn, noGrad, scope, type Tensor } from "../../lib/torch";
import { type CallbackBase, type CallbackDependencies, PeriodicCallback } from "../../lib/core/callbacks";
import type { Batch, DataContainerLike, DatasetLike, DeviceBatch, SamplerLike } from "../../lib/core/interfaces/data";
import type { TrainerResult } from "../../lib/core/callbacks/trainer";
import { Model, type ModelBase, type ModelDependencies } from "../../lib/core/models";
import { MetricPropertyProvider, PathProvider } from "../../lib/core/providers";
import type { CheckpointFormat } from "../../lib/core/checkpoint-format";
import { BaseTrainerConfig } from "../../lib/training/trainers/base-trainer-config";
import { NoopTracker } from "../../lib/core/trackers";
import type { GradScalerLike } from "../../lib/torch/amp/grad-scaler";
import { TrainingIteration } from "../../lib/core/iteration/training-iteration";
import { type UpdateCounter } from "../../lib/core/iteration/update-counter";
import { AnchorBranchedUPTConfig } from "../../lib/modeling/models/ab-upt/config";
import { AnchoredBranchedUPT } from "../../lib/modeling";
import { BaseTrainer } from "../../lib/training";
import "../../lib/initializers";
import { testDevice } from "../support/device";
import { goldenPath } from "../support/golden";
export { temporaryFolder } from "../support/small-run";

/** One update of the recorded run. */
export interface TraceEntry {
  readonly update: number;
  readonly loss: number;
  readonly grad_norm: number;
  readonly lr: readonly number[];
}

interface Trace {
  readonly model_config: Parameters<typeof AnchorBranchedUPTConfig.create>[0];
  readonly updates_per_epoch: number;
  readonly updates: number;
  readonly trace: readonly TraceEntry[];
}

export const golden = JSON.parse(readFileSync(goldenPath("training", "trace.json"), "utf8")) as Trace;

/** The run directory that Python left: `run/<run id>/<stage>/checkpoints`, with one tag inside the run and `latest`. */
export const recorded = findRun();

function findRun() {
  const only = (...parts: string[]): string => readdirSync(goldenPath("training", "run", ...parts))[0] as string;
  const runId = only();
  const stageName = only(runId);
  const checkpoints = goldenPath("training", "run", runId, stageName, "checkpoints");
  const tags = readdirSync(checkpoints).filter((name) => TrainingIteration.containsString(name));
  const iteration = TrainingIteration.fromFilename(tags[0] as string);
  const { epoch, update, sample } = iteration as { epoch: number; update: number; sample: number };
  return { runId, stageName, checkpoints, tag: String(iteration), epoch, update, sample, batchSize: sample / update };
}

/** Path of one of the recorded files, or of ours in another output folder. */
export function checkpointFile(root: string, tag: string, part: "model" | "optim" | "trainer"): string {
  return join(
    root,
    recorded.runId,
    recorded.stageName,
    "checkpoints",
    `${golden.model_config.name}_cp=${tag}_${part}.th`,
  );
}

/** Tensors of a golden file. */
export function goldenTensors(name: string): ReadonlyMap<string, Tensor> {
  return keep(new Map(Object.entries(asRecord(loadSafetensors(goldenPath("training", name))))));
}

function asRecord(file: unknown): Record<string, Tensor> {
  const { tensors } = file as { tensors?: unknown };
  const content = tensors ?? file;
  return content instanceof Map
    ? (Object.fromEntries(content) as Record<string, Tensor>)
    : (content as Record<string, Tensor>);
}

/** The trained model: AB-UPT under the prefix `ab_upt`. */
export class GoldenModel extends Model {
  readonly abUpt: AnchoredBranchedUPT;
  readonly gradNorms: number[] = [];

  constructor(dependencies: ModelDependencies = {}) {
    const config = AnchorBranchedUPTConfig.create(golden.model_config);
    super(config, dependencies);
    this.abUpt = new AnchoredBranchedUPT(config);
  }

  override forward(inputs: Parameters<AnchoredBranchedUPT["forward"]>[0]): Record<string, Tensor> {
    return this.abUpt.forward(inputs);
  }

  override optimizerStep(gradScaler: GradScalerLike | null): void {
    const gradients = this.parameters().flatMap((parameter) => parameter.grad ?? []);
    this.gradNorms.push(Number(nn.utils.getTotalNorm(gradients).item()));
    super.optimizerStep(gradScaler);
  }

  /** Sets the recorded initial weights. */
  override initializeWeights(): void {
    super.initializeWeights();
    this.loadStateDict(goldenTensors("initial.safetensors"));
  }
}

/** The recorded batches, one after the other over all epochs. */
export class GoldenData implements DataContainerLike {
  readonly train: DatasetLike = {
    length: golden.updates_per_epoch * recorded.batchSize,
    pipeline: () => ({}),
    get: (index) => ({ index }),
  };
  readonly datasets = new Map([["train", this.train]]);
  readonly #batches: Batch[] = [];
  #epoch = 0;

  constructor() {
    for (const [key, tensor] of goldenTensors("batches.safetensors")) {
      const [update, ...name] = key.split(".");
      (this.#batches[Number(update)] ??= {})[name.join(".")] = tensor;
    }
  }

  getDataset(): DatasetLike {
    return this.train;
  }

  getMainSampler(): SamplerLike {
    return {
      length: this.train.length,
      setEpoch: (epoch) => void (this.#epoch = epoch),
      *[Symbol.iterator]() {},
    };
  }

  getDataLoader(): AsyncIterable<Batch> {
    const updates = golden.updates_per_epoch;
    const recorded = (): Batch[] => this.#batches.slice(this.#epoch * updates, (this.#epoch + 1) * updates);
    return {
      async *[Symbol.asyncIterator]() {
        yield* recorded();
      },
    };
  }
}

/** Notes losses and learning rates of every update. */
class TraceCallback extends PeriodicCallback {
  readonly entries: { loss: number; lr: number[] }[] = [];

  override trackAfterAccumulationStep({ losses }: { losses: Readonly<Record<string, Tensor>> }): void {
    this.entries.push({ loss: Number((losses["total"] as Tensor).item()), lr: [] });
  }

  override trackAfterUpdateStep(_counter: UpdateCounter): void {
    const entry = this.entries[this.entries.length - 1];
    entry?.lr.push(...(this.model.optimizer?.paramGroups.map((group) => group.lr) ?? []));
  }
}

export class GoldenTrainer extends BaseTrainer {
  trace: TraceCallback | null = null;

  override trainStep(batch: DeviceBatch, model: ModelBase): TrainerResult {
    const inputs = Object.fromEntries(Object.entries(batch).filter(([key]) => !key.startsWith("target.")));
    const outputs = (model as GoldenModel).forward(inputs as never);
    const losses = Object.entries(batch)
      .filter(([key]) => key.startsWith("target."))
      .map(([key, target]) =>
        (outputs[key.slice("target.".length)] as Tensor)
          .sub(target as Tensor)
          .square()
          .mean(),
      );
    return { totalLoss: losses.reduce((sum, loss) => sum.add(loss)) };
  }

  override getTrainerCallbacks(dependencies: CallbackDependencies): CallbackBase[] {
    this.trace = new TraceCallback({ every_n_updates: 1 }, dependencies);
    return [this.trace];
  }
}

/** What differs between golden runs. */
export interface GoldenRunOptions {
  readonly outputRootPath: string;
  readonly runId: string;
  readonly callbacks?: readonly object[];
  readonly initializer?: object;
  readonly max_epochs?: number;
  /** Default: that of trainers. */
  readonly checkpointFormat?: CheckpointFormat;
  /** Default: that of the tests. */
  readonly device?: string;
  readonly precision?: "float32" | "float16" | "bfloat16";
}

/** Builds trainer and model of a golden run. */
export function goldenRun({
  outputRootPath,
  runId,
  callbacks = [],
  initializer,
  max_epochs = golden.updates / golden.updates_per_epoch,
  checkpointFormat,
  device = testDevice,
  precision = "float32",
}: GoldenRunOptions): {
  trainer: GoldenTrainer;
  model: GoldenModel;
  pathProvider: PathProvider;
} {
  const pathProvider = new PathProvider({ outputRootPath, runId, stageName: recorded.stageName });
  const metricPropertyProvider = new MetricPropertyProvider();
  const config = BaseTrainerConfig.create({
    kind: "GoldenTrainer",
    max_epochs,
    effective_batch_size: recorded.batchSize,
    callbacks: callbacks,
    initializer: initializer as never,
    checkpoint_format: checkpointFormat,
    precision,
    log_every_n_epochs: 1,
    track_every_n_epochs: 2,
  });
  const trainer = new GoldenTrainer(config, {
    dataContainer: new GoldenData(),
    device,
    tracker: new NoopTracker({ metricPropertyProvider, pathProvider }),
    pathProvider,
    metricPropertyProvider,
  });
  const model = new GoldenModel({ updateCounter: trainer.updateCounter, pathProvider });
  return { trainer, model, pathProvider };
}

/** Largest absolute difference over all tensors. */
export function largestDifference(actual: ReadonlyMap<string, Tensor>, expected: ReadonlyMap<string, Tensor>): number {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  return noGrad(() =>
    scope(() =>
      Math.max(
        ...[...expected].map(([name, x]) =>
          x.numel() === 0 ? 0 : Number((actual.get(name) as Tensor).to("cpu").sub(x).abs().max().item()),
        ),
      ),
    ),
  );
}
