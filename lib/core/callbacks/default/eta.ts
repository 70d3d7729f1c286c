import type { FieldType } from "../../../config/schema";
import { AssertionError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { keep, type Tensor } from "../../../torch";
import { TRAINING_DATA_WAIT_TIME, TRAINING_UPDATE_TIME } from "../../checkpoint-keys";
import { isRank0 } from "../../distributed";
import { fullySpecified } from "../../iteration/training-iteration";
import type { UpdateCounter } from "../../iteration/update-counter";
import { compactNumber, durationForPeople } from "../../logging/formatters";
import type { Clock } from "../../logging/stopwatch";
import { fitParts, type StatusLine, statusLine } from "../../logging/terminal";
import { CallBackBaseConfig } from "../base-config";
import { type AccumulationStep, PeriodicCallback, type UpdateTimes } from "../periodic";

/** Seconds between two drawings: reading the loss makes a GPU wait. */
const SHORTEST_PAUSE = 0.1;

const BAR_CELLS = 20;

/**
 * The line at the bottom of the terminal that is redrawn while training runs: percent, epoch, update, loss, speed and
 * remaining time. On a narrow terminal the less important parts are left out.
 */
export class EtaCallback extends PeriodicCallback {
  static readonly schema: FieldType = CallBackBaseConfig;
  /** Seconds; replaced in tests. */
  clock: Clock = () => performance.now() / 1000;
  /** Where the line is drawn; replaced in tests. */
  line: StatusLine = statusLine;
  #totalTime = 0;
  #startUpdate = 0;
  #lastDrawing = -Infinity;
  #loss: Tensor | null = null;

  override beforeTraining(updateCounter: UpdateCounter): void {
    if (!isRank0()) {
      throw new AssertionError("EtaCallback may only be used in the first process (rank 0)");
    }
    this.#startUpdate = updateCounter.update;
  }

  override trackAfterAccumulationStep({ losses }: AccumulationStep): void {
    this.#forgetLoss();
    const total = losses["total"];
    if (total !== undefined) this.#loss = keep(total.detach()); // the loss itself ends with the update
  }

  override trackAfterUpdateStep(updateCounter: UpdateCounter, times: UpdateTimes): void {
    this.#totalTime += (times[TRAINING_UPDATE_TIME] ?? 0) + (times[TRAINING_DATA_WAIT_TIME] ?? 0);
    const now = this.clock();
    if (now - this.#lastDrawing < SHORTEST_PAUSE && !updateCounter.isFinished) return;
    this.#lastDrawing = now;

    const { epoch, update } = updateCounter;
    const end = fullySpecified(updateCounter.endIteration, "the end of training");
    const secondsPerUpdate = this.#totalTime / (update - this.#startUpdate);
    const done = Math.min(1, update / end.update);
    const cells = Math.round(done * BAR_CELLS);
    const parts = [
      { text: `${"█".repeat(cells)}${"░".repeat(BAR_CELLS - cells)}`, importance: 2 },
      { text: `${Math.floor(100 * done)}%`, importance: 6 },
      { text: `epoch ${epoch}/${end.epoch}`, importance: 1 },
      { text: `update ${update}/${end.update}`, importance: 3 },
      ...(this.#loss === null ? [] : [{ text: `loss ${compactNumber(Number(this.#loss.item()))}`, importance: 5 }]),
      { text: `${compactNumber(secondsPerUpdate)} s/update`, importance: 0 },
      { text: `${durationForPeople((end.update - update) * secondsPerUpdate)} left`, importance: 4 },
    ];
    this.line.show(fitParts(parts, this.line.width));
  }

  override afterTraining(_updateCounter: UpdateCounter): void {
    this.#forgetLoss();
    this.line.hide();
  }

  #forgetLoss(): void {
    this.#loss?.dispose();
    this.#loss = null;
  }
}

register("noether.core.callbacks.EtaCallback", {
  class: EtaCallback,
  aliases: ["noether.core.callbacks.default.EtaCallback", "noether.core.callbacks.default.eta.EtaCallback"],
});
