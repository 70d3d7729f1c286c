import { Generator } from "../../torch";
import type { Batch, DataContainerLike, DatasetLike, SamplerLike } from "../../core/interfaces/data";
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

/** The batches of a training run, epoch after epoch: one pass of a loader each, from where the run starts. */
export class TrainingBatches {
  readonly #container: DataContainerLike;
  readonly #dataset: DatasetLike;
  readonly #sampler: SamplerLike;
  readonly #counter: UpdateCounter;
  readonly #sizes: BatchSizes;
  /** Batch k of the run draws its random numbers from a stream with this seed plus k. */
  #seed: bigint;
  #epoch: number;
  /** The pass in progress; it is opened with the first batch of an epoch, which draws the order of its samples. */
  #pass: AsyncIterator<Batch> | null = null;
  /** Batches that were given out: of this epoch, and since the run started. */
  #ofEpoch = 0;
  #ofRun = 0;

  constructor({ dataContainer, updateCounter, sizes, shuffle }: TrainingBatchesOptions) {
    this.#dataset = dataContainer.getDataset("train");
    if (this.#dataset.pipeline === null || this.#dataset.pipeline === undefined) {
      throw new ValueError("the training set has no pipeline that collates its samples");
    }
    this.#container = dataContainer;
    this.#counter = updateCounter;
    this.#sizes = sizes;
    this.#epoch = fullySpecified(updateCounter.startIteration, "the start of training").epoch;
    this.#sampler = dataContainer.getMainSampler(this.#dataset, shuffle);
    // PyTorch's loader draws a base seed for its workers before the first batch: from a generator of its own, or else from the
    // default one, as release 1.1 does.
    const own = dataContainer.seed ?? null;
    this.#seed = drawSeed(own === null ? null : new Generator().manualSeed(own));
  }

  get #batchesPerEpoch(): number {
    return this.#counter.updatesPerEpoch * this.#sizes.accumulationSteps;
  }

  /** The next batch of the epoch; its tensors belong to the scope of the call. */
  async next(): Promise<Batch> {
    const next = await (this.#pass ??= this.#open()).next();
    if (next.done === true) {
      throw new RuntimeError(
        `the data loader ended at ${this.#counter.curIteration}: expected ${this.#batchesPerEpoch} batches in every epoch`,
      );
    }
    this.#ofEpoch += 1;
    this.#ofRun += 1;
    return next.value;
  }

  /** Whether another batch follows in this epoch of the run. */
  get hasNext(): boolean {
    const { startIteration, endIteration } = this.#counter;
    const start = fullySpecified(startIteration, "the start of training");
    const end = fullySpecified(endIteration, "the end of training");
    const inRun = (end.update - start.update) * this.#sizes.accumulationSteps;
    return this.#ofEpoch < this.#batchesPerEpoch && this.#ofRun < inRun;
  }

  /** @param skip - batches that are left out */
  #open(skip = 0): AsyncIterator<Batch> {
    this.#sampler.setEpoch?.(this.#epoch);
    const loader = this.#container.getDataLoader(this.#dataset, {
      sampler: this.#sampler,
      batchSize: this.#sizes.batchSize,
      dropLast: true,
      seed: this.#seed + BigInt(this.#epoch * this.#batchesPerEpoch),
      skip,
    });
    return loader[Symbol.asyncIterator]();
  }

  /** Brings random numbers and data to where the resumed run was: inside an epoch, batches that it has seen are left out. */
  async resume(randomness: TrainingRandomness): Promise<void> {
    randomness.dataSeed ??= this.#seed;
    this.#seed = randomness.dataSeed;
    const seen = (this.#counter.update % this.#counter.updatesPerEpoch) * this.#sizes.accumulationSteps;
    if (seen > 0) {
      if (!randomness.isResumed) {
        getLogger("BaseTrainer").warning(
          "the checkpoint lies inside an epoch and holds no random state: the rest of the epoch comes in a new random order",
        );
      }
      randomness.resumeEpochStart();
      randomness.markEpochStart();
      this.#pass = this.#open(seen);
      this.#ofEpoch = seen;
    }
    randomness.resumeNow();
  }

  /** Ends the pass of an epoch; full batches that are too few for an update are left out. */
  async endEpoch(): Promise<void> {
    await this.close();
    this.#ofEpoch = 0;
    this.#epoch += 1;
  }

  /** Ends loading, also inside an epoch. */
  async close(): Promise<void> {
    await this.#pass?.return?.();
    this.#pass = null;
  }
}
