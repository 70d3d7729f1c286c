import { join } from "node:path";
import { full, keep, nn, type Tensor } from "../../../lib/torch";
import type { CallbackDependencies, PeriodicCallbackContext } from "../../../lib/core/callbacks";
import { Model } from "../../../lib/core/models";
import { MetricPropertyProvider, PathProvider } from "../../../lib/core/providers";
import { ModelBaseConfig } from "../../../lib/core/models/model-base-config";
import { NoopTracker } from "../../../lib/core/trackers";
import { TrainingIteration } from "../../../lib/core/iteration/training-iteration";
import { UpdateCounter } from "../../../lib/core/iteration/update-counter";
import { CheckpointWriter, LogWriter } from "../../../lib/core/writers";

/** Parts of a run for tests of single callbacks, without a trainer. */

/** One weight and one buffer, both 2. */
export class Weight extends Model {
  readonly w: nn.Parameter;
  readonly count: Tensor;
  constructor(config: ModelBaseConfig = ModelBaseConfig.create({ kind: "Weight", name: "weight" })) {
    super(config);
    this.w = new nn.Parameter(full([1], 2));
    this.count = this.registerBuffer("count", full([1], 2));
  }
  override forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}

/** A counter that is at an update. */
export function counterAt(
  update: number,
  {
    updatesPerEpoch = 10,
    effectiveBatchSize = 4,
    end = 10,
  }: { updatesPerEpoch?: number; effectiveBatchSize?: number; end?: number } = {},
): UpdateCounter {
  return new UpdateCounter({
    startIteration: new TrainingIteration(null, update).toFullySpecified(updatesPerEpoch, effectiveBatchSize),
    endIteration: new TrainingIteration(end),
    updatesPerEpoch,
    effectiveBatchSize,
  });
}

export interface Parts {
  readonly dependencies: CallbackDependencies;
  readonly counter: UpdateCounter;
  readonly writer: LogWriter;
  readonly save: jest.Mock;
  readonly checkpointWriter: CheckpointWriter;
  readonly model: Weight;
  readonly paths: PathProvider;
  readonly summary: Record<string, unknown>;
  context(intervalType?: PeriodicCallbackContext["intervalType"]): PeriodicCallbackContext;
}

/** Below a file, so that a test that writes names a folder of its own. */
const NOWHERE = join(__filename, "nowhere");

/** Everything that a callback is built with. `save` of the checkpoint writer is only recorded unless `writes`. */
export function parts({
  update = 0,
  outputRootPath = NOWHERE,
  writes = false,
  trainer = {},
  dataContainer = {},
}: {
  update?: number;
  outputRootPath?: string;
  writes?: boolean;
  trainer?: object;
  dataContainer?: object;
} = {}): Parts {
  const counter = counterAt(update);
  const paths = new PathProvider({ outputRootPath, runId: "run" });
  const metricPropertyProvider = new MetricPropertyProvider();
  const tracker = new NoopTracker({ metricPropertyProvider, pathProvider: paths });
  const writer = new LogWriter({ pathProvider: paths, updateCounter: counter, tracker });
  const checkpointWriter = new CheckpointWriter({ pathProvider: paths, updateCounter: counter });
  const save = jest.fn();
  if (!writes) checkpointWriter.save = save;
  const model = new Weight();
  const dependencies = {
    trainer: {
      config: {},
      updateCounter: counter,
      totalTrainingUpdates: 100,
      endCheckpoint: new TrainingIteration(10),
      pathProvider: paths,
      stateDict: () => new Map(),
      ...trainer,
    },
    model,
    dataContainer,
    tracker,
    logWriter: writer,
    checkpointWriter,
    metricPropertyProvider,
  } as unknown as CallbackDependencies;
  return {
    dependencies,
    counter,
    writer,
    save,
    checkpointWriter,
    model,
    paths,
    summary: tracker.summary,
    context: (intervalType = "update") => ({ intervalType, updateCounter: counter, trainerModel: model, batchSize: 4 }),
  };
}

/** A loss as a training step gives it. */
export const loss = (value: number): Tensor => keep(full([], value));

/** Puts metrics into the log of the current update, as callbacks before the one at hand do. */
export function logMetrics({ writer }: ReturnType<typeof parts>, metrics: Record<string, number>): void {
  writer.logCache = { epoch: 0, update: 0, sample: 0, ...metrics };
}
