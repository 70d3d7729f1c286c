import { scope } from "../../torch";
import type { Batch, DataContainerLike, SamplerLike } from "../../core/interfaces/data";
import { RuntimeError, ValueError } from "../../config/python-errors";
import { getLogger } from "../../core/logging";
import { fullySpecified } from "../../core/iteration/training-iteration";
import type { UpdateCounter } from "../../core/iteration";
import { drawSeed } from "../../data/random/draw-seed";
import type { BatchSizes } from "./batch-size";
import type { TrainingRandomness } from "./random-state";

/** What {@link TrainingBatches} reads from. */
export interface TrainingBatchesOptions {
  readonly dataContainer: DataContainerLike;
  readonly updateCounter: UpdateCounter;
  readonly sizes: BatchSizes;
  /** Random order in every epoch; otherwise that of the data set. */
  readonly shuffle: boolean;
}

/** The batches of a training run, epoch after epoch: one pass of the loader each, from where the run starts. */
export class TrainingBatches {
  readonly #loader: AsyncIterable<Batch>;
  readonly #sampler: SamplerLike;
  readonly #counter: UpdateCounter;
  readonly #sizes: BatchSizes;
  #epoch: number;
  /** The pass in progress; it is opened with the first batch of an epoch, which draws the order of its samples. */
  #pass: AsyncIterator<Batch> | null = null;

  constructor({ dataContainer, updateCounter, sizes, shuffle }: TrainingBatchesOptions) {
    const dataset = dataContainer.getDataset("train");
    if (dataset.pipeline === null || dataset.pipeline === undefined) {
      throw new ValueError("the training set has no pipeline that collates its samples");
    }
    this.#counter = updateCounter;
    this.#sizes = sizes;
    this.#epoch = fullySpecified(updateCounter.startIteration, "the start of training").epoch;
    this.#sampler = dataContainer.getMainSampler(dataset, shuffle);
    this.#loader = dataContainer.getDataLoader(dataset, {
      sampler: this.#sampler,
      batchSize: sizes.batchSize,
      dropLast: true,
    });
    // PyTorch's loader draws a base seed for its workers before the first batch, unless it has a generator of its own; a run
    // that is resumed later restores a random state from after that draw.
    if (this.#epoch === 0 && (dataContainer.seed ?? null) === null) drawSeed();
  }

  /** The next batch of the epoch; its tensors belong to the scope of the call. */
  async next(): Promise<Batch> {
    const next = await this.#read();
    if (next.done === true) {
      const { updatesPerEpoch, curIteration } = this.#counter;
      throw new RuntimeError(
        `the data loader ended at ${curIteration}: expected ${updatesPerEpoch * this.#sizes.accumulationSteps} batches in every epoch`,
      );
    }
    return next.value;
  }

  #read(): Promise<IteratorResult<Batch>> {
    if (this.#pass === null) {
      this.#sampler.setEpoch?.(this.#epoch);
      this.#pass = this.#loader[Symbol.asyncIterator]();
    }
    return this.#pass.next();
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
      for (let i = 0; i < seen; i++) await scope(async () => void (await this.next()));
    }
    randomness.resumeNow();
  }

  /**
   * Ends the pass of an epoch. Full batches that are too few for an update are loaded and left out, so that the random
   * numbers that loading draws do not depend on where an epoch ends.
   */
  async endEpoch(): Promise<void> {
    while (await scope(async () => (await this.#read()).done !== true));
    this.#pass = null;
    this.#epoch += 1;
  }

  /** Ends loading, also inside an epoch. */
  async close(): Promise<void> {
    await this.#pass?.return?.();
  }
}
