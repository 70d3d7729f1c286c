import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Generator, keep, manualSeed, nn, randn, type Tensor } from "../../lib/torch";
import type { CallbackBase, CallbackDependencies } from "../../lib/core/callbacks";
import type { DataContainerLike, DeviceBatch } from "../../lib/core/interfaces/data";
import { Model, type ModelBase, type ModelDependencies, type ModelOptions } from "../../lib/core/models";
import { MetricPropertyProvider, PathProvider } from "../../lib/core/providers";
import { DatasetBaseConfig } from "../../lib/data/base/dataset-config";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { BaseTrainerConfig } from "../../lib/training/trainers/base-trainer-config";
import { type BaseTracker, NoopTracker } from "../../lib/core/trackers";
import { DataContainer, Dataset, MultiStagePipeline } from "../../lib/data";
import { BaseTrainer, type LossResult } from "../../lib/training";
import "../../lib/initializers";

/** A small regression run for tests of everything around training: 2 inputs, 1 output, dropout, random order. */

/** Points x (2) and values y (1), the same for every run. */
export class SmallDataset extends Dataset {
  readonly #x: Tensor;
  readonly #y: Tensor;

  constructor(
    readonly size: number,
    seed = 0,
  ) {
    super(DatasetBaseConfig.create({ kind: "SmallDataset" }));
    const generator = new Generator().manualSeed(seed);
    this.#x = keep(randn([size, 2], { generator })); // (N, 2)
    this.#y = keep(this.#x.sum([1], true).sin()); // (N, 1)
    this.addGetter("x", (index) => this.#x.index(index).clone());
    this.addGetter("y", (index) => this.#y.index(index).clone());
    this.pipeline = new MultiStagePipeline();
  }

  override get length(): number {
    return this.size;
  }
}

/** Two layers with dropout, so that training draws random numbers. */
export class SmallModel extends Model {
  readonly fc1: nn.Linear;
  readonly dropout: nn.Dropout;
  readonly fc2: nn.Linear;

  constructor(config: ModelBaseConfig, options: ModelOptions = {}) {
    super(config, options);
    this.fc1 = new nn.Linear(2, 8);
    this.dropout = new nn.Dropout(0.1);
    this.fc2 = new nn.Linear(8, 1);
  }

  override forward({ x }: { x: Tensor }): Tensor {
    return this.fc2.forward(this.dropout.forward(this.fc1.forward(x).tanh()));
  }
}

/** Mean squared error of y. */
export class SmallTrainer extends BaseTrainer {
  /** Callbacks that a test adds. */
  extraCallbacks: (dependencies: CallbackDependencies) => CallbackBase[] = () => [];

  override lossCompute(output: Tensor, { y }: DeviceBatch): LossResult {
    return {
      mse: output
        .sub(y as Tensor)
        .square()
        .mean(),
    };
  }

  override getTrainerCallbacks(dependencies: CallbackDependencies): CallbackBase[] {
    return this.extraCallbacks(dependencies);
  }
}

export const SMALL_MODEL = {
  kind: "SmallModel",
  name: "small",
  optimizer_config: {
    kind: "torch.optim.AdamW",
    lr: 1e-2,
    weight_decay: 0.05,
    clip_grad_norm: 1,
    schedule_config: {
      kind: "noether.core.schedules.LinearWarmupCosineDecaySchedule",
      warmup_percent: 0.2,
      max_value: 1e-2,
    },
  },
};

/** What differs between small runs. */
export interface SmallRunOptions {
  readonly outputRootPath: string;
  readonly runId?: string;
  readonly stageName?: string | null;
  readonly trainer?: Record<string, unknown>;
  readonly model?: Record<string, unknown>;
  readonly dataContainer?: DataContainerLike;
  readonly tracker?: (dependencies: {
    pathProvider: PathProvider;
    metricPropertyProvider: MetricPropertyProvider;
  }) => BaseTracker;
  readonly seed?: number;
  /** Default: the CPU. */
  readonly device?: string;
  /** Default true. */
  readonly shuffle?: boolean;
  readonly buildModel?: (dependencies: ModelDependencies) => ModelBase;
}

/** 12 training and 5 test samples. */
export function smallData(train = 12, test = 5): DataContainer {
  return new DataContainer({ train: new SmallDataset(train), test: new SmallDataset(test, 1) });
}

/** Seeds, then builds trainer and model. Default: 3 epochs of 3 updates of 4 samples, no default callbacks. */
export function smallRun(options: SmallRunOptions): {
  trainer: SmallTrainer;
  model: ModelBase;
  pathProvider: PathProvider;
} {
  const pathProvider = new PathProvider({
    outputRootPath: options.outputRootPath,
    runId: options.runId ?? "run",
    stageName: options.stageName,
  });
  const metricPropertyProvider = new MetricPropertyProvider();
  manualSeed(options.seed ?? 0);
  const { max_updates, max_samples } = options.trainer ?? {};
  const config = BaseTrainerConfig.create({
    kind: "SmallTrainer",
    ...(max_updates === undefined && max_samples === undefined ? { max_epochs: 3 } : {}),
    effective_batch_size: 4,
    callbacks: null,
    add_default_callbacks: false,
    forward_properties: ["x"],
    target_properties: ["y"],
    ...options.trainer,
  });
  const tracker =
    options.tracker?.({ pathProvider, metricPropertyProvider }) ??
    new NoopTracker({ pathProvider, metricPropertyProvider });
  const trainer = new SmallTrainer(config, {
    dataContainer: options.dataContainer ?? smallData(),
    device: options.device ?? "cpu",
    tracker,
    pathProvider,
    metricPropertyProvider,
    mainSamplerKwargs: { shuffle: options.shuffle ?? true },
  });
  const dependencies = { updateCounter: trainer.updateCounter, pathProvider };
  const model =
    options.buildModel?.(dependencies) ??
    new SmallModel(ModelBaseConfig.create({ ...SMALL_MODEL, ...options.model }), dependencies);
  return { trainer, model, pathProvider };
}

/** A temporary folder. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "noether-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Weights as plain numbers, for exact comparison. */
export function weightsOf(model: nn.Module): Record<string, unknown> {
  return Object.fromEntries([...model.stateDict()].map(([name, tensor]) => [name, tensor.toArray()]));
}
