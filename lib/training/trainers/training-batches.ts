import { scope } from "../../torch";
import type { Batch, DataContainerLike } from "../../core/interfaces/data";
import { RuntimeError, ValueError } from "../../config/python-errors";
import { getLogger } from "../../core/logging";
import { fullySpecified } from "../../core/iteration/training-iteration";
import type { UpdateCounter } from "../../core/iteration/update-counter";
import type { BatchSizes } from "./batch-size";
import type { TrainingRandomness } from "./random-state";

/** What {@link TrainingBatches} reads from. */
export interface TrainingBatchesOptions {
  readonly dataContainer: DataContainerLike;
  readonly updateCounter: UpdateCounter;
  readonly sizes: BatchSizes;
  /** Number of processes that share the training set. */
  readonly worldSize: number;
  /** Random order in every epoch; otherwise that of the data set. */
  readonly shuffle: boolean;
}

/** The batches of a training run, one after the other over all epochs, from where the run starts. */
export class TrainingBatches {
  readonly #iterator: AsyncIterator<Batch>;
  readonly #counter: UpdateCounter;
  readonly #sizes: BatchSizes;
  /** Full batches of an epoch. */
  readonly #perEpoch: number;

  constructor({ dataContainer, updateCounter, sizes, worldSize, shuffle }: TrainingBatchesOptions) {
    const dataset = dataContainer.getDataset("train");
    if (dataset.pipeline === null || dataset.pipeline === undefined) {
      throw new ValueError("the training set has no pipeline that collates its samples");
    }
    this.#counter = updateCounter;
    this.#sizes = sizes;
    this.#perEpoch = Math.floor(dataset.length / (sizes.batchSize * worldSize));
    const { update: lastUpdate } = fullySpecified(updateCounter.endIteration, "the end of training");
    const { epoch: startEpoch } = fullySpecified(updateCounter.startIteration, "the start of training");
    const loader = dataContainer.getDataLoader({
      trainSampler: dataContainer.getMainSampler(dataset, shuffle),
      trainCollator: dataset.pipeline,
      batchSize: sizes.batchSize,
      // The trainer decides when training ends; the loader only has to have enough.
      epochs: Math.ceil(lastUpdate / updateCounter.updatesPerEpoch),
      callbackSamplers: [],
      startEpoch: startEpoch === 0 ? null : startEpoch,
    });
    this.#iterator = loader[Symbol.asyncIterator]();
  }

  /** The next batch; its tensors belong to the scope of the call. */
  async next(): Promise<Batch> {
    const next = await this.#iterator.next();
    if (next.done === true) {
      const { curIteration, endIteration } = this.#counter;
      throw new RuntimeError(`the data loader ended at ${curIteration}, before the end of training at ${endIteration}`);
    }
    return next.value;
  }

  /** Brings random numbers and data to where the resumed run was: inside an epoch, batches that it has seen are left out. */
  async resume(randomness: TrainingRandomness): Promise<void> {
    const seen = (this.#counter.update % this.#counter.updatesPerEpoch) * this.#sizes.accumulationSteps;
    if (seen > 0) {
      if (!randomness.isResumed) {
        getLogger("BaseTrainer").warning(
          "the checkpoint lies inside an epoch and holds no random state: the rest of the epoch comes in a new random order",
        );
      }
      randomness.resumeEpochStart();
      randomness.markEpochStart();
      await this.#skip(seen);
    }
    randomness.resumeNow();
  }

  /** Leaves out the full batches at the end of an epoch that are too few for an update. */
  async dropIncompleteUpdate(): Promise<void> {
    await this.#skip(this.#perEpoch - this.#counter.updatesPerEpoch * this.#sizes.accumulationSteps);
  }

  async #skip(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await scope(async () => void (await this.next()));
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
