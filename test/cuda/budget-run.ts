/** Training of a golden case, with what each update asked of the device. */
import { type CallbackBase, type CallbackDependencies, PeriodicCallback } from "../../lib/core/callbacks";
import type { Batch, DataContainerLike, DatasetLike, DeviceBatch, SamplerLike } from "../../lib/core/interfaces/data";
import type { TrainerResult } from "../../lib/core/callbacks/trainer";
import { Model, type ModelBase, type ModelDependencies } from "../../lib/core/models";
import { ModelBaseConfig } from "../../lib/core/models/model-base-config";
import { MetricPropertyProvider, PathProvider } from "../../lib/core/providers";
import { NoopTracker } from "../../lib/core/trackers";
import { BaseTrainerConfig } from "../../lib/training/trainers/base-trainer-config";
import { BaseTrainer } from "../../lib/training";
import { keep, type nn, type Tensor } from "../../lib/torch";
import { buildModule, callModule, goldenIndex, type GoldenEntry, loadCase } from "../golden/cases";
import { type Counts, takeCounts } from "./device";

const UPDATES = 8;

class CaseModel extends Model {
  readonly network: nn.Module;

  constructor(
    readonly entry: GoldenEntry,
    dependencies: ModelDependencies,
  ) {
    super(
      ModelBaseConfig.create({
        kind: "CaseModel",
        name: "case",
        optimizer_config: { kind: "torch.optim.AdamW", lr: 1e-3, weight_decay: 0.05, clip_grad_norm: 1 },
      }),
      dependencies,
    );
    this.network = buildModule(entry);
  }

  override forward(inputs: Record<string, Tensor>): Map<string, Tensor> {
    return callModule(this.network, this.entry, new Map(Object.entries(inputs)));
  }
}

/** The same batch in every update, in memory as a data loader leaves it. */
class RepeatedBatch implements DataContainerLike {
  readonly train: DatasetLike = { length: UPDATES, pipeline: () => ({}), get: (index) => ({ index }) };
  readonly datasets = new Map([["train", this.train]]);

  constructor(readonly batch: Batch) {}

  getDataset(): DatasetLike {
    return this.train;
  }

  getMainSampler(): SamplerLike {
    return { length: UPDATES, setEpoch: () => undefined, *[Symbol.iterator]() {} };
  }

  getDataLoader(): AsyncIterable<Batch> {
    const batches = Array.from({ length: UPDATES }, () => ({ ...this.batch }));
    return {
      async *[Symbol.asyncIterator]() {
        yield* batches;
      },
    };
  }
}

class CountingCallback extends PeriodicCallback {
  readonly updates: Counts[] = [];

  override trackAfterUpdateStep(): void {
    this.updates.push(takeCounts());
  }
}

class CaseTrainer extends BaseTrainer {
  counting: CountingCallback | null = null;

  override trainStep(batch: DeviceBatch, model: ModelBase): TrainerResult {
    const outputs = (model as CaseModel).forward(batch as Record<string, Tensor>);
    const losses = [...outputs].map(([name, output]) => [name, output.square().mean()] as const);
    const totalLoss = losses.map(([, loss]) => loss).reduce((sum, loss) => sum.add(loss));
    return { totalLoss, lossesToLog: Object.fromEntries(losses) };
  }

  override getTrainerCallbacks(dependencies: CallbackDependencies): CallbackBase[] {
    this.counting = new CountingCallback({ every_n_updates: UPDATES }, dependencies);
    return [this.counting];
  }
}

/** Trains a golden case on the device and returns the counts of an update when everything is warm, and more batches come. */
export async function countsOfUpdate(
  name: string,
  precision: "float32" | "bfloat16" | "float16",
  outputRootPath: string,
  { capture = false, logEveryUpdate = false }: { readonly capture?: boolean; readonly logEveryUpdate?: boolean } = {},
): Promise<Counts> {
  const entry = goldenIndex.find((candidate) => candidate.name === name)!;
  const pathProvider = new PathProvider({ outputRootPath, runId: `${name}-${precision}-${capture}` });
  const metricPropertyProvider = new MetricPropertyProvider();
  const config = BaseTrainerConfig.create({
    kind: "CaseTrainer",
    max_updates: UPDATES,
    effective_batch_size: 1,
    callbacks: null,
    precision,
    capture,
    log_every_n_updates: logEveryUpdate ? 1 : 1000,
    track_every_n_updates: 1000,
  });
  const trainer = new CaseTrainer(config, {
    dataContainer: new RepeatedBatch(keep(Object.fromEntries(loadCase(name).input))),
    device: "cuda",
    tracker: new NoopTracker({ metricPropertyProvider, pathProvider }),
    pathProvider,
    metricPropertyProvider,
  });
  const model = new CaseModel(entry, { updateCounter: trainer.updateCounter, pathProvider });
  await trainer.train(model);
  return trainer.counting!.updates.at(-3)!;
}
