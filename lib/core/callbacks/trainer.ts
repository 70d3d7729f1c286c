import type { Tensor } from "../../torch";
import type { ModelBase } from "../models/base";
import type { PathProvider } from "../providers/path";
import type { BaseTracker } from "../trackers/base";
import type { TrainingIteration } from "../iteration/training-iteration";
import type { UpdateCounter } from "../iteration/update-counter";
import type { GradScalerLike } from "../../torch/amp/grad-scaler";
import type { CheckpointParticipant, CheckpointWriter } from "../writers/checkpoint-writer";
import type { LogWriter } from "../writers/log-writer";
import type { DataContainerLike, DeviceBatch } from "../interfaces/data";

/** What a training step returns. */
export interface TrainerResult {
  /** The loss that is differentiated; 0-d. */
  readonly totalLoss: Tensor;
  /** Parts of the loss by name, for logging. */
  readonly lossesToLog?: Readonly<Record<string, Tensor>> | null;
  /** Further outputs for callbacks. */
  readonly additionalOutputs?: Readonly<Record<string, unknown>> | null;
}

/** What callbacks may rely on of a trainer's configuration. */
export interface TrainerConfigLike {
  /** Length of the run: one of the three is set. */
  readonly max_epochs: number | null;
  readonly max_updates: number | null;
  readonly max_samples: number | null;
  /** Samples per optimizer step over all processes. */
  readonly effective_batch_size: number;
  readonly skip_nan_loss: boolean;
  /** Batch keys that the model gets. */
  readonly forward_properties?: readonly string[] | null;
}

/** What callbacks and initializers may rely on of a trainer. The trainer itself is above, in `lib/training`. */
export interface TrainerLike {
  readonly config: TrainerConfigLike;
  readonly dataContainer: DataContainerLike;
  readonly pathProvider: PathProvider;
  readonly device: string;
  readonly gradScaler: GradScalerLike;
  readonly updatesPerEpoch: number;
  readonly startCheckpoint: TrainingIteration;
  readonly endCheckpoint: TrainingIteration;
  readonly updateCounter: UpdateCounter;
  readonly logWriter: LogWriter;
  readonly checkpointWriter: CheckpointWriter;
  readonly tracker: BaseTracker;
  readonly callbacks: readonly CheckpointParticipant[];
  /** Updates of the whole run. */
  readonly totalTrainingUpdates: number;
  /** Runs a function under the run's mixed precision. */
  autocastContext<T>(run: () => T): T;
  /** Loss of a batch, without touching weights. */
  trainStep(batch: DeviceBatch, model: ModelBase): TrainerResult | Promise<TrainerResult>;
  /** What the trainer's checkpoint file holds. */
  stateDict(): Map<string, unknown>;
  loadStateDict(state: ReadonlyMap<string, unknown>): void;
}
