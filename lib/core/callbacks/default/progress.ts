import type { FieldType } from "../../../config/schema";
import { register } from "../../../config/registry";
import { fullySpecified } from "../../iteration/training-iteration";
import { compactNumber, durationForPeople } from "../../logging/formatters";
import type { Clock } from "../../logging/stopwatch";
import type { UpdateCounter } from "../../iteration/update-counter";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

/** A line of progress is due after this many seconds, whatever the interval. */
const LONGEST_SILENCE = 300;

/** Where a measurement of speed began. */
interface Mark {
  readonly time: number;
  readonly update: number;
}

/**
 * One line an interval: how far training is, how fast it is, loss and learning rate, the metrics that callbacks logged
 * at this update, and the remaining time.
 *
 * The time of the first interval (warm-up of caches and kernels) does not count for the estimate.
 */
export class ProgressCallback extends PeriodicCallback {
  static readonly schema: FieldType = CallBackBaseConfig;
  /** Seconds since the epoch; replaced in tests. */
  clock: Clock = () => Date.now() / 1000;
  /** Where the speed is measured from. */
  #start: Mark | null = null;
  #lastLog: Mark | null = null;
  #isFirstInterval = true;

  override beforeTraining({ update }: UpdateCounter): void {
    this.#start = { time: this.clock(), update };
    this.#lastLog = this.#start;
    this.#isFirstInterval = true;
  }

  override periodicCallback({ intervalType, updateCounter }: PeriodicCallbackContext): void {
    if (
      intervalType === "eval" ||
      this.#start === null ||
      this.#lastLog === null ||
      this.#lastLog.update === updateCounter.update
    ) {
      return;
    }
    const { update, epoch, effectiveBatchSize } = updateCounter;
    const total = this.trainer.totalTrainingUpdates;
    const now: Mark = { time: this.clock(), update };
    const samples = (update - this.#lastLog.update) * effectiveBatchSize;
    const remaining = ((now.time - this.#start.time) / (update - this.#start.update)) * Math.max(total - update, 0);
    const lastEpoch = fullySpecified(updateCounter.endIteration, "the end of training").epoch;
    this.logger.info(
      [
        `epoch ${epoch}/${lastEpoch}`,
        `update ${update}/${total} (${Math.floor((100 * update) / total)}%)`,
        `${compactNumber(samples / (now.time - this.#lastLog.time))} samples/s`,
        ...this.#loss(),
        ...this.#learningRates(),
        ...this.writer.takeShown().map(([key, text]) => `${key} ${text}`),
        `${durationForPeople(remaining)} left`,
      ].join("  "),
    );
    if (this.#isFirstInterval) {
      this.#start = now;
      this.#isFirstInterval = false;
    }
    this.#lastLog = now;
  }

  /** The mean total loss since the last line, which the loss callback of the same interval logged. */
  #loss(): string[] {
    const loss = this.writer.logCache?.[`loss/online/total/${this.toShortIntervalString()}`];
    return typeof loss === "number" ? [`loss ${compactNumber(loss)}`] : [];
  }

  /** The learning rate of each model's first group; models that share one are not listed twice. */
  #learningRates(): string[] {
    const rates = Object.values(this.model.getNamedModels()).flatMap(({ optimizer }) =>
      optimizer === null ? [] : optimizer.paramGroups.slice(0, 1).map(({ lr }) => compactNumber(lr)),
    );
    return rates.length === 0 ? [] : [`lr ${[...new Set(rates)].join("/")}`];
  }

  override async trackAfterUpdateStep(updateCounter: UpdateCounter): Promise<void> {
    if (this.#lastLog !== null && this.clock() - this.#lastLog.time > LONGEST_SILENCE) {
      this.periodicCallback({ intervalType: "update", updateCounter, trainerModel: this.model, batchSize: 0 });
    }
  }
}

register("noether.core.callbacks.ProgressCallback", {
  class: ProgressCallback,
  aliases: [
    "noether.core.callbacks.default.ProgressCallback",
    "noether.core.callbacks.default.progress.ProgressCallback",
  ],
});
