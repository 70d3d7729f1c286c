import type { InitializerBase } from "../../initializers";
import { ValueError } from "../../config/python-errors";
import { TrainingIteration } from "../../core/iteration";
import { fullySpecified } from "../../core/iteration/training-iteration";

/** What says where a run starts. */
export interface StartOptions {
  /** Epoch of the configuration, null: none. */
  readonly startAtEpoch: number | null;
  /** Reads the checkpoint that is resumed, null: none. */
  readonly initializer: InitializerBase | null;
  readonly updatesPerEpoch: number;
  readonly effectiveBatchSize: number;
}

/**
 * Where a run starts: at the beginning, at an epoch, or at a checkpoint.
 *
 * @throws ValueError for both at once, and for a checkpoint of other data or another batch size
 */
export function startIteration(options: StartOptions): TrainingIteration {
  const { startAtEpoch, initializer, updatesPerEpoch, effectiveBatchSize } = options;
  if (initializer === null) {
    return new TrainingIteration(startAtEpoch ?? 0).toFullySpecified(updatesPerEpoch, effectiveBatchSize);
  }
  if (startAtEpoch !== null) {
    throw new ValueError(
      "start_at_epoch cannot be used together with an initializer: the checkpoint says where training starts",
    );
  }
  const start = initializer.startCheckpoint();
  const { update } = fullySpecified(start, "the start of training");
  const derived = new TrainingIteration(null, update).toFullySpecified(updatesPerEpoch, effectiveBatchSize);
  if (!start.equals(derived)) {
    throw new ValueError(
      `the checkpoint is of ${start}, but with this training set and effective_batch_size ${effectiveBatchSize} that update is ${derived}: ` +
        "resume with the data and batch size that the run was started with",
    );
  }
  return start;
}
