import type { Tensor } from "../../torch";
import { RuntimeError } from "../../config/python-errors";
import { setAnywhere } from "../../core/distributed";
import { getLogger } from "../../core/logging";
import type { TrainingIteration } from "../../core/iteration/training-iteration";

/** How NaN losses are met. */
export interface NanGuardOptions {
  /** Leave updates with a NaN loss out instead of stopping. */
  readonly skip: boolean;
  /** Most such updates in a row. */
  readonly maxCount: number;
}

/** Keeps NaN losses away from the weights. */
export class NanGuard {
  /** Updates in a row that were left out. */
  count = 0;
  readonly #options: NanGuardOptions;
  #skipsUpdate = false;

  constructor(options: NanGuardOptions) {
    this.#options = options;
  }

  /** Whether the update in progress is left out. */
  get skipsUpdate(): boolean {
    return this.#skipsUpdate;
  }

  /**
   * Stops at a NaN loss before it reaches the weights. Reading a loss of another device would make the processor wait for it
   * in every update; there the OnlineLossCallback looks at it when it logs.
   */
  refuse(totalLoss: Tensor, position: TrainingIteration): void {
    if (this.#options.skip || totalLoss.device !== "cpu" || !isNan(totalLoss)) {
      return;
    }
    throw new RuntimeError(
      `encountered nan loss in the update after ${position}: the weights are those from before it. ` +
        "Lower the learning rate, clip gradients (clip_grad_norm), check the data for NaN, or set skip_nan_loss: true",
    );
  }

  /** Marks the update to be left out if the loss of any process is NaN and that is wanted; one pass of several is enough. */
  note(totalLoss: Tensor): void {
    if (!this.#options.skip || this.#skipsUpdate || !setAnywhere(isNan(totalLoss))[0]) {
      return;
    }
    this.count += 1;
    this.#skipsUpdate = true;
    getLogger("BaseTrainer").warning(`skipping an update: its loss is NaN (${this.count} in a row)`);
    if (this.count > this.#options.maxCount) {
      throw new RuntimeError(
        `encountered nan loss ${this.count} times in a row, more than skip_nan_loss_max_count (${this.#options.maxCount}) allows`,
      );
    }
  }

  /** The next update starts without a mark. */
  endUpdate(): void {
    if (!this.#skipsUpdate) this.count = 0;
    this.#skipsUpdate = false;
  }
}

function isNan(loss: Tensor): boolean {
  return Number.isNaN(Number(loss.detach().item()));
}
