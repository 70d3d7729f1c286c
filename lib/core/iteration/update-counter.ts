import { AssertionError, ValueError } from "../../config/python-errors";
import { fullySpecified, TrainingIteration } from "./training-iteration";

/** Arguments of {@link UpdateCounter}. */
export interface UpdateCounterOptions {
  /** Where training starts; fully specified. */
  readonly startIteration: TrainingIteration;
  /** Where training ends; exactly one field set. */
  readonly endIteration: TrainingIteration;
  /** Optimizer updates of one epoch. */
  readonly updatesPerEpoch: number;
  /** Samples of one optimizer update over all processes. */
  readonly effectiveBatchSize: number;
}

/** Counts epochs, updates and samples of a run, from a start to an end. */
export class UpdateCounter {
  readonly startIteration: TrainingIteration;
  /** Absolute end of training, fully specified. */
  readonly endIteration: TrainingIteration;
  /** Completed epochs, updates and samples. */
  readonly curIteration: TrainingIteration;
  readonly updatesPerEpoch: number;
  readonly effectiveBatchSize: number;

  constructor({ startIteration, endIteration, updatesPerEpoch, effectiveBatchSize }: UpdateCounterOptions) {
    if (!startIteration.isFullySpecified) {
      throw new ValueError(`start_iteration must be fully specified, but is '${startIteration}'`);
    }
    const derived = new TrainingIteration(null, startIteration.update).toFullySpecified(
      updatesPerEpoch,
      effectiveBatchSize,
    );
    if (!startIteration.equals(derived)) {
      throw new AssertionError(
        `start_iteration '${startIteration}' does not fit ${updatesPerEpoch} updates per epoch of ${effectiveBatchSize} samples: expected '${derived}'`,
      );
    }
    if (!endIteration.isMinimallySpecified) {
      throw new ValueError(
        `end_iteration must be minimally specified (exactly one of max_epochs, max_updates and max_samples), but is '${endIteration}'`,
      );
    }
    this.updatesPerEpoch = updatesPerEpoch;
    this.effectiveBatchSize = effectiveBatchSize;
    this.startIteration = startIteration;
    this.endIteration = this.absoluteEnd(endIteration);
    this.curIteration = startIteration.copy();
  }

  /** An end in epochs means the end of that epoch, also when training starts in the middle of one. */
  private absoluteEnd(end: TrainingIteration): TrainingIteration {
    if (end.epoch !== null) {
      return end.toFullySpecified(this.updatesPerEpoch, this.effectiveBatchSize);
    }
    const remaining = end.minus(this.startIteration.toTargetSpecification(end));
    return this.startIteration.plus(remaining.toFullySpecified(this.updatesPerEpoch, this.effectiveBatchSize));
  }

  /** Completed epochs. */
  get epoch(): number {
    return fullySpecified(this.curIteration, "the current iteration").epoch;
  }

  /** Completed optimizer updates. */
  get update(): number {
    return fullySpecified(this.curIteration, "the current iteration").update;
  }

  /** Completed samples. */
  get sample(): number {
    return fullySpecified(this.curIteration, "the current iteration").sample;
  }

  /** Completed updates in epochs, e.g. 1.5. */
  get epochAsFloat(): number {
    return this.update / this.updatesPerEpoch;
  }

  /** True at an epoch boundary (also at update 0). */
  get isFullEpoch(): boolean {
    return this.update % this.updatesPerEpoch === 0;
  }

  /** True when epoch, update and sample have reached the end. */
  get isFinished(): boolean {
    return this.curIteration.greaterOrEqual(this.endIteration);
  }

  nextEpoch(): void {
    this.curIteration.epoch = this.epoch + 1;
  }

  nextUpdate(): void {
    this.curIteration.update = this.update + 1;
  }

  addSamples(count: number): void {
    this.curIteration.sample = this.sample + count;
  }
}
