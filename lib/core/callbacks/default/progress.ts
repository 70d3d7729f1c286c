import { secondsToDurationStr } from "../../logging/formatters";
import { toFixedHalfEven } from "../../../config/python-format";
import type { Clock } from "../../logging/stopwatch";
import type { UpdateCounter } from "../../iteration/update-counter";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

/** A line of progress is due after this many seconds, whatever the interval. */
const LONGEST_SILENCE = 300;

/** Where a measurement of speed began. */
interface Mark {
  readonly time: number;
  readonly update: number;
}

/**
 * Logs how far training is, when it will end and how long an update takes.
 *
 * The time of the first interval (warm-up of caches and kernels) does not count for the estimate.
 */
export class ProgressCallback extends PeriodicCallback {
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
    const { curIteration, update, epoch, sample } = updateCounter;
    const total = this.trainer.totalTrainingUpdates;
    const now: Mark = { time: this.clock(), update };
    const end = this.trainer.endCheckpoint;
    const where = {
      epoch: `Epoch ${epoch}/${end.epoch ?? updateCounter.endIteration.epoch}`,
      update: `Update ${update}/${total}`,
      sample: `Sample ${sample}/${end.sample ?? updateCounter.endIteration.sample}`,
    }[intervalType];
    this.logger.info(`${toFixedHalfEven((100 * update) / total, 0)}% done. ${where} (${curIteration})`);

    const sinceLog = now.time - this.#lastLog.time;
    const secondsPerUpdate = (now.time - this.#start.time) / (update - this.#start.update);
    const remaining = secondsPerUpdate * Math.max(total - update, 0);
    const duration = now.time - this.#start.time + remaining;
    this.logger.info(
      `Estimated end time: ${isoLocal(new Date((now.time + remaining) * 1000))} ` +
        `estimated_duration: ${secondsToDurationStr(duration)} ` +
        `time_since_last_log: ${secondsToDurationStr(sinceLog)} ` +
        `time_per_update: ${secondsToDurationStr(sinceLog / (update - this.#lastLog.update))}`,
    );
    if (this.#isFirstInterval) {
      this.#start = now;
      this.#isFirstInterval = false;
    }
    this.#lastLog = now;
  }

  override async trackAfterUpdateStep(updateCounter: UpdateCounter): Promise<void> {
    if (this.#lastLog !== null && this.clock() - this.#lastLog.time > LONGEST_SILENCE) {
      this.periodicCallback({ intervalType: "update", updateCounter, trainerModel: this.model, batchSize: 0 });
    }
  }
}

/** Local time with its offset: `2026-01-31T12:00:00+01:00`. */
function isoLocal(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}` +
    `T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${zone}`
  );
}
