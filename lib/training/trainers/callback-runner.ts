import { noGrad, scope } from "../../torch";
import { type CallbackBase, EarlyStopIteration, PeriodicCallback } from "../../core/callbacks";
import type { ModelBase } from "../../core/models";
import { getLogger } from "../../core/logging";
import type { UpdateCounter } from "../../core/iteration/update-counter";
import type { LogWriter } from "../../core/writers";
import type { TrainingRandomness } from "./random-state";

/** What {@link CallbackRunner} works with. */
export interface CallbackRunnerOptions {
  readonly callbacks: readonly CallbackBase[];
  readonly updateCounter: UpdateCounter;
  readonly logWriter: LogWriter;
  readonly randomness: TrainingRandomness;
  /** Called after a pass in which a callback failed, before its error comes out. */
  readonly onFailure: (model: ModelBase) => void;
}

/** Runs callbacks in their order: without gradients, and so that training draws the same random numbers with and without them. */
export class CallbackRunner {
  readonly #options: CallbackRunnerOptions;
  readonly #periodic: readonly PeriodicCallback[];
  readonly #logger = getLogger("BaseTrainer");

  constructor(options: CallbackRunnerOptions) {
    this.#options = options;
    this.#periodic = options.callbacks.filter((callback) => callback instanceof PeriodicCallback);
  }

  /** Runs a hook of every callback. */
  async runHooks(hook: (callback: CallbackBase) => Promise<void> | void): Promise<void> {
    await this.#options.randomness.isolate(() =>
      noGrad(async () =>
        scope(async () => {
          for (const callback of this.#options.callbacks) await hook(callback);
        }),
      ),
    );
  }

  /** Runs a hook of every periodic callback inside an update: part of its scope and its random numbers. */
  async track(hook: (callback: PeriodicCallback) => Promise<void> | void): Promise<void> {
    await noGrad(async () => {
      for (const callback of this.#periodic) await hook(callback);
    });
  }

  /** Runs every periodic callback once, whatever its interval. */
  async evaluate(trainerModel: ModelBase, batchSize: number): Promise<void> {
    const { updateCounter } = this.#options;
    for (const callback of this.#periodic) {
      await noGrad(async () => scope(async () => callback.atEval({ updateCounter, trainerModel, batchSize })));
    }
  }

  /**
   * Runs the callbacks that are due after an update or at the end of an epoch, and ends the log entry. All of them run even
   * if one fails; the first error comes out afterwards.
   *
   * @returns whether a callback ended training.
   */
  async runDue(pass: "afterUpdate" | "afterEpoch", trainerModel: ModelBase, batchSize: number): Promise<boolean> {
    const { updateCounter, logWriter, randomness, onFailure } = this.#options;
    const errors: unknown[] = [];
    let earlyExit = false;
    await randomness.isolate(() =>
      noGrad(async () => {
        for (const callback of this.#periodic) {
          try {
            await scope(async () => callback[pass]({ updateCounter, trainerModel, batchSize }));
          } catch (error) {
            if (error instanceof EarlyStopIteration) {
              this.#logger.info(error.message);
              earlyExit = true;
            } else {
              this.#logger.error(
                `${callback} failed: ${error instanceof Error ? error.message : String(error)}`,
                error,
              );
              errors.push(error);
            }
          }
        }
        // What is logged after the last update of an epoch and after the epoch is one entry.
        if (pass === "afterEpoch" || !updateCounter.isFullEpoch) await logWriter.flush();
        if (errors.length > 0) onFailure(trainerModel);
      }),
    );
    if (errors.length > 0) throw errors[0];
    return earlyExit;
  }
}
