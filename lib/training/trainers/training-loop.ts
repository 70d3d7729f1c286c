import { scope, TorchError } from "../../torch";
import { freeIfFails } from "../../torch/scope";
import { TRAINING_DATA_WAIT_TIME, TRAINING_UPDATE_TIME } from "../../core/checkpoint-keys";
import type { DataContainerLike } from "../../core/interfaces/data";
import { isDistributed, setAnywhere } from "../../core/distributed";
import type { ModelBase } from "../../core/models";
import { getLogger, type LogContext, withLogContext } from "../../core/logging";
import type { UpdateCounter } from "../../core/iteration";
import { fullySpecified } from "../../core/iteration/training-iteration";
import type { BatchSizes } from "./batch-size";
import { BatchesAhead } from "./batches-ahead";
import type { CallbackRunner } from "./callback-runner";
import type { TrainingRandomness } from "./random-state";
import { StopSignals } from "./signals";
import type { StopCheckpoints } from "./stop-checkpoints";
import { TrainingBatches } from "./training-batches";
import { UpdateRollback } from "./update-rollback";
import type { UpdateResult, UpdateStep } from "./types";

/** What a {@link TrainingLoop} works with. */
export interface TrainingLoopOptions {
  readonly model: ModelBase;
  readonly dataContainer: DataContainerLike;
  /** Samples in a random order in every epoch. */
  readonly shuffle: boolean;
  readonly sizes: BatchSizes;
  readonly updateCounter: UpdateCounter;
  readonly callbacks: CallbackRunner;
  readonly randomness: TrainingRandomness;
  /** Ctrl-C ends training as SIGTERM does. */
  readonly stopsOnInterrupt: boolean;
  /** One forward and backward pass, with the last pass of an update the optimizer's step. */
  readonly update: (step: UpdateStep) => Promise<UpdateResult>;
  /** Keeps the weights when training ends early. */
  readonly checkpoints: StopCheckpoints;
}

/**
 * Epochs, updates and passes from where a run starts to its end, or until a callback or a signal ends it.
 *
 * Each update runs in a scope: what it makes is freed at its end. The event loop gets a turn after each.
 */
export class TrainingLoop {
  readonly #options: TrainingLoopOptions;
  readonly #rollback = new UpdateRollback();

  constructor(options: TrainingLoopOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { dataContainer, updateCounter, sizes, shuffle, randomness, stopsOnInterrupt, checkpoints } = this.#options;
    await withLogContext(
      () => logContext(updateCounter),
      async () => {
        const batches = new TrainingBatches({ dataContainer, updateCounter, sizes, shuffle });
        const ahead = new BatchesAhead(batches);
        const signals = new StopSignals({ interrupt: stopsOnInterrupt, onEnd: () => checkpoints.drop() });
        try {
          await batches.resume(randomness);
          let continues = true;
          while (continues && !updateCounter.isFinished) continues = await this.#runEpoch(batches, ahead, signals);
        } finally {
          signals.close();
          this.#rollback.close();
          await ahead.close();
          await batches.close();
        }
      },
    );
  }

  /** Runs to the end of the epoch, or until training should stop; returns whether it continues. */
  async #runEpoch(batches: TrainingBatches, ahead: BatchesAhead, signals: StopSignals): Promise<boolean> {
    const { model, sizes, updateCounter: counter, callbacks, randomness, checkpoints } = this.#options;
    const { update: lastUpdate } = fullySpecified(counter.endIteration, "the end of training");
    if (counter.isFullEpoch) randomness.markEpochStart();
    let stop = false;
    let signalled = false;
    do {
      try {
        await scope(async () => this.#runUpdate(ahead));
      } catch (error) {
        // The counter tells which update the weights are of, so they are worth keeping.
        checkpoints.saveAfterError(model);
        throw error;
      }
      if (counter.isFullEpoch && counter.update < lastUpdate) await batches.endEpoch();
      stop = await callbacks.runDue("afterUpdate", model, sizes.batchSize);
      // Other code (signals, timers, streams) gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
      // Of several processes all stop after the same update, whichever got the signal.
      [stop, signalled] = setAnywhere(stop, signals.received !== null);
    } while (!counter.isFullEpoch && !counter.isFinished && !stop && !signalled);

    if (counter.isFullEpoch) {
      stop = (await callbacks.runDue("afterEpoch", model, sizes.batchSize)) || stop;
      [stop, signalled] = setAnywhere(stop, signalled || signals.received !== null);
    }
    if (stop) checkpoints.save(model, "early_exit");
    else if (signalled) checkpoints.save(model, "signal_interrupt");
    return !stop && !signalled;
  }

  async #runUpdate(batches: BatchesAhead): Promise<void> {
    const { model, sizes, updateCounter: counter, callbacks } = this.#options;
    const { accumulationSteps } = sizes;
    const times = new UpdateStopwatch();
    const first = (counter.update % counter.updatesPerEpoch) * accumulationSteps;
    let last: FinishedPass | null = null;
    this.#rollback.begin(model);
    try {
      model.optimizerScheduleStep();
      for (let accumulationStep = first; accumulationStep < first + accumulationSteps; accumulationStep++) {
        last?.rethrow();
        last = await this.#runPass(batches, accumulationStep, times);
      }
    } catch (error) {
      this.#rollback.fail(model);
      throw error;
    }
    const skipped = last?.skipped ?? false;
    if (skipped) this.#rollback.skip(model);
    this.#countUpdate();
    model.eval();
    // The update has happened, so that every callback learns of it, whether or not one of them failed.
    const outcome = await callbacks.track((callback) =>
      callback.trackAfterUpdateStep(counter, times.seconds, { skipped }),
    );
    last?.rethrow();
    outcome.rethrow();
  }

  async #runPass(batches: BatchesAhead, accumulationStep: number, times: UpdateStopwatch): Promise<FinishedPass> {
    const { model, sizes, updateCounter, callbacks } = this.#options;
    const { accumulationSteps } = sizes;
    const start = performance.now();
    const { batch, seconds } = await batches.next(model.device);
    times.add(TRAINING_DATA_WAIT_TIME, (performance.now() - start) / 1000);
    for (const [key, value] of Object.entries(seconds)) times.add(key, value);
    model.train();
    const { beforeOptimizerStep } = callbacks;
    const result = await this.#tryPass({ batch, model, accumulationSteps, accumulationStep, beforeOptimizerStep });
    batches.loadAhead(model.device);
    const { losses, updateOutputs, skipped = false } = result;
    const { rethrow } = await callbacks.track((callback) =>
      callback.trackAfterAccumulationStep({
        updateCounter,
        batch,
        losses,
        updateOutputs,
        accumulationSteps,
        accumulationStep,
      }),
    );
    times.add("forward", result.times.forward);
    times.add("backward", result.times.backward);
    times.add(TRAINING_UPDATE_TIME, result.times.forward + result.times.backward);
    return { skipped, rethrow };
  }

  /**
   * A pass, and where its backward half finds no memory the same pass once more, with everything of the first try freed: nothing has
   * reached the weights. Not where earlier passes of the update are lost with it, or other processes are a step ahead.
   */
  async #tryPass(step: UpdateStep): Promise<UpdateResult> {
    const { update } = this.#options;
    if (step.accumulationSteps > 1 || isDistributed()) return update(step);
    try {
      return await freeIfFails(async () => update(step));
    } catch (error) {
      const isMemory = error instanceof TorchError && error.code === "ERR_OUT_OF_MEMORY";
      if (!isMemory || error.operator !== "backward") throw error;
      this.#rollback.fail(step.model);
      getLogger("BaseTrainer").warning(
        "no memory in a backward pass: everything of the update is freed, and it runs once more",
      );
    }
    return update(step);
  }

  #countUpdate(): void {
    const { updateCounter } = this.#options;
    updateCounter.addSamples(updateCounter.effectiveBatchSize);
    updateCounter.nextUpdate();
    if (updateCounter.isFullEpoch) updateCounter.nextEpoch();
  }
}

/** A pass whose callbacks have run. */
interface FinishedPass {
  /** The update that it belongs to is left out. */
  readonly skipped: boolean;
  /** Throws the first error of its callbacks, if there was one. */
  readonly rethrow: () => void;
}

/** Seconds of one update by what they were spent on, summed over its passes. */
class UpdateStopwatch {
  readonly seconds: Record<string, number> = {};

  add(name: string, seconds: number): void {
    this.seconds[name] = (this.seconds[name] ?? 0) + seconds;
  }
}

/** How far training is, for the lines of the log. */
function logContext({ curIteration, endIteration }: UpdateCounter): LogContext {
  const end = fullySpecified(endIteration, "the end of training");
  return {
    epoch: curIteration.epoch ?? 0,
    maxEpoch: end.epoch,
    update: curIteration.update ?? 0,
    maxUpdate: end.update,
  };
}
