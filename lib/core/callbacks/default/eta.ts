import { TRAINING_DATA_WAIT_TIME, TRAINING_UPDATE_TIME } from "../../checkpoint-keys";
import { isRank0 } from "../../distributed";
import { AssertionError } from "../../../config/python-errors";
import { shortNumberStr } from "../../logging/formatters";
import { toFixedHalfEven } from "../../../config/python-format";
import { type LogHandler, LogLevel, rootLogger } from "../../logging";
import { fullySpecified } from "../../iteration/training-iteration";
import type { UpdateCounter } from "../../iteration/update-counter";
import { PeriodicCallback, type PeriodicCallbackContext, type UpdateTimes } from "../periodic";

/** Notices that something was logged, so that the progress line goes on below it. */
class LoggedHandler implements LogHandler {
  readonly level = LogLevel.DEBUG;
  wasCalled = false;

  handle(): void {
    this.wasCalled = true;
  }
}

function digits(value: number): number {
  return Math.floor(Math.log10(Math.max(1, value))) + 1;
}

/** One line on the terminal that is rewritten after every update: counters, time to the next log, time per update. */
export class EtaCallback extends PeriodicCallback {
  readonly handler = new LoggedHandler();
  /** Where the line goes; replaced in tests. */
  write: (text: string) => void = (text) => process.stderr.write(text);
  totalTime = 0;
  timeSinceLastLog = 0;
  epochFormatWidth = 1;
  updateFormatWidth = 1;
  logIntervalWidth = 1;
  #startUpdate = 0;

  override beforeTraining(updateCounter: UpdateCounter): void {
    if (!isRank0()) {
      throw new AssertionError("only use EtaCallback on rank0 process");
    }
    const end = fullySpecified(updateCounter.endIteration, "the end of training");
    this.#startUpdate = updateCounter.update;
    this.epochFormatWidth = digits(end.epoch);
    this.updateFormatWidth = digits(end.update);
    this.logIntervalWidth = digits(this.#interval(updateCounter, 0).per);
    rootLogger().handlers.push(this.handler);
  }

  /** Updates since the last log, and updates from one log to the next. */
  #interval(updateCounter: UpdateCounter, sample: number): { since: number; per: number } {
    const { updatesPerEpoch, effectiveBatchSize, epoch, update } = updateCounter;
    if (this.everyNEpochs !== null) {
      const per = this.everyNEpochs * updatesPerEpoch;
      const since = update - this.everyNEpochs * Math.floor(epoch / this.everyNEpochs) * updatesPerEpoch;
      return { since: since === 0 ? per : since, per };
    }
    if (this.everyNUpdates !== null) {
      return { since: update % this.everyNUpdates, per: this.everyNUpdates };
    }
    const n = this.everyNSamples ?? effectiveBatchSize;
    const last = sample - (sample % n);
    return {
      since: update - Math.floor(last / effectiveBatchSize),
      per: Math.ceil((n - (last % effectiveBatchSize)) / effectiveBatchSize),
    };
  }

  override trackAfterUpdateStep(updateCounter: UpdateCounter, times: UpdateTimes): void {
    if (
      (updateCounter.isFullEpoch && this.isEpochDue(updateCounter)) ||
      this.isUpdateDue(updateCounter) ||
      this.isSampleDue(updateCounter)
    ) {
      this.timeSinceLastLog = 0;
    }
    const seconds = (times[TRAINING_UPDATE_TIME] ?? 0) + (times[TRAINING_DATA_WAIT_TIME] ?? 0);
    this.totalTime += seconds;
    this.timeSinceLastLog += seconds;
    const { epoch, update, sample } = updateCounter;
    const average = this.totalTime / (update - this.#startUpdate);
    const end = fullySpecified(updateCounter.endIteration, "the end of training");
    const { since, per } = this.#interval(updateCounter, sample);
    const remaining = (per - since) * average;
    const pad = (value: number | string, width: number): string => String(value).padStart(width);
    const line = [
      `E ${pad(epoch, this.epochFormatWidth)}/${end.epoch}`,
      `U ${pad(update, this.updateFormatWidth)}/${end.update}`,
      `S ${pad(shortNumberStr(sample), 6)}/${shortNumberStr(end.sample)}`,
      `next_log ${pad(since, this.logIntervalWidth)}/${per}`,
      `next_log_eta ${clockTime(new Date(Date.now() + remaining * 1000))} (${minutes(remaining)}->${minutes(this.timeSinceLastLog)})`,
      `avg_update ${toFixedHalfEven(average, 2)}s`,
    ].join(" | ");
    this.write(`${this.handler.wasCalled ? "\n" : ""}${line}\r`);
    this.handler.wasCalled = false;
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "update") {
      this.write("\n");
    }
  }

  override afterTraining(_updateCounter: UpdateCounter): void {
    const root = rootLogger();
    root.handlers = root.handlers.filter((handler) => handler !== this.handler);
    this.write("\n");
  }
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function clockTime(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `MM:SS`; an hour and more keep counting minutes. */
function minutes(seconds: number): string {
  const whole = Math.max(0, Math.trunc(seconds));
  return `${two(Math.floor(whole / 60))}:${two(whole % 60)}`;
}
