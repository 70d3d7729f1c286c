import { noGrad, scope } from "../../torch";
import { type CallbackBase, EarlyStopIteration, PeriodicCallback } from "../../core/callbacks";
import type { ModelBase } from "../../core/models";
import { getLogger } from "../../core/logging";
import type { UpdateCounter } from "../../core/iteration";
import type { CheckpointWriter, LogWriter } from "../../core/writers";
import type { BeforeOptimizerStepHook } from "./gradient-step";
import type { TrainingRandomness } from "./random-state";

/** What {@link CallbackRunner} works with. */
export interface CallbackRunnerOptions {
  readonly callbacks: readonly CallbackBase[];
  readonly updateCounter: UpdateCounter;
  readonly logWriter: LogWriter;
  readonly checkpointWriter: CheckpointWriter;
  readonly randomness: TrainingRandomness;
  /** Called after a pass in which a callback failed, before its error is thrown. */
  readonly onFailure: (model: ModelBase) => void;
}

/** Runs callbacks in their order: without gradients, and so that training draws the same random numbers with and without them. */
export class CallbackRunner {
  readonly #options: CallbackRunnerOptions;
  readonly #periodic: readonly PeriodicCallback[];
  /** Shows the gradients of an update to the callbacks that look at them; null: there are none. */
  readonly beforeOptimizerStep: BeforeOptimizerStepHook | null;
  readonly #logger = getLogger("BaseTrainer");

  constructor(options: CallbackRunnerOptions) {
    this.#options = options;
    this.#periodic = options.callbacks.filter((callback) => callback instanceof PeriodicCallback);
    const { updateCounter } = options;
    const looking = this.#periodic.filter(
      (callback) => callback.trackBeforeOptimizerStep !== PeriodicCallback.prototype.trackBeforeOptimizerStep,
    );
    this.beforeOptimizerStep =
      looking.length === 0
        ? null
        : async (optimizers) =>
            noGrad(async () => {
              for (const callback of looking) await callback.trackBeforeOptimizerStep({ updateCounter, optimizers });
            });
  }

  /** Runs a hook of every callback. What they save becomes visible together. */
  async runHooks(hook: (callback: CallbackBase) => Promise<void> | void): Promise<void> {
    const { callbacks, checkpointWriter, randomness } = this.#options;
    await randomness.isolate(() =>
      noGrad(async () =>
        scope(async () => {
          checkpointWriter.hold(callbacks);
          try {
            for (const callback of callbacks) await hook(callback);
          } catch (error) {
            randomness.stopGathering();
            this.#tryCommit((problem) => this.#logger.error(messageOf(problem)));
            throw error;
          }
          checkpointWriter.commit();
        }),
      ),
    );
  }

  /**
   * Runs a hook of every periodic callback inside an update: part of its scope and its random numbers. All of them run even if
   * one fails.
   *
   * @returns what throws the first error
   */
  async track(hook: (callback: PeriodicCallback) => Promise<void> | void): Promise<{ rethrow: () => void }> {
    const errors: unknown[] = [];
    await noGrad(async () => {
      for (const callback of this.#periodic) {
        try {
          await hook(callback);
        } catch (error) {
          errors.push(error);
        }
      }
    });
    return {
      rethrow: () => {
        if (errors.length > 0) throw errors[0];
      },
    };
  }

  /** Runs every periodic callback once, whatever its interval. */
  async evaluate(trainerModel: ModelBase, batchSize: number): Promise<void> {
    const { updateCounter } = this.#options;
    for (const callback of this.#periodic) {
      await noGrad(async () => scope(async () => callback.atEval({ updateCounter, trainerModel, batchSize })));
    }
  }

  /**
   * Runs the callbacks that are due after an update or at the end of an epoch, ends the log entry and makes the checkpoints
   * visible that they saved. All of them run even if one fails; the first error is thrown afterwards.
   *
   * @returns whether a callback ended training.
   */
  async runDue(pass: "afterUpdate" | "afterEpoch", trainerModel: ModelBase, batchSize: number): Promise<boolean> {
    const { callbacks, updateCounter, logWriter, checkpointWriter, randomness, onFailure } = this.#options;
    const errors: unknown[] = [];
    const note = (what: string, error: unknown): void => {
      this.#logger.error(`${what} failed: ${messageOf(error)}`, error);
      errors.push(error);
      randomness.stopGathering();
    };
    let earlyExit = false;
    await randomness.isolate(() =>
      noGrad(async () => {
        checkpointWriter.hold(callbacks);
        for (const callback of this.#periodic) {
          try {
            await scope(async () => callback[pass]({ updateCounter, trainerModel, batchSize }));
          } catch (error) {
            if (error instanceof EarlyStopIteration) {
              this.#logger.info(error.message);
              earlyExit = true;
            } else {
              note(String(callback), error);
            }
          }
        }
        // What is logged and saved after the last update of an epoch and after the epoch belongs together.
        const isOver = pass === "afterEpoch" || !updateCounter.isFullEpoch;
        try {
          if (isOver) await logWriter.flush();
        } catch (error) {
          note("the tracker", error);
        }
        if (isOver || errors.length > 0) this.#tryCommit((error) => note("saving", error));
        if (errors.length > 0) onFailure(trainerModel);
      }),
    );
    if (errors.length > 0) throw errors[0];
    return earlyExit;
  }

  #tryCommit(onFailure: (error: unknown) => void): void {
    try {
      this.#options.checkpointWriter.commit();
    } catch (error) {
      onFailure(error);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
