import type { UpdateCounter } from "../../iteration/update-counter";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

/** Thrown by a callback to end training after the current pass of callbacks. */
export class EarlyStopIteration extends Error {
  override readonly name = "EarlyStopIteration";
}

/** A callback that can end training. */
export abstract class EarlyStopperBase extends PeriodicCallback {
  /** Whether training is to end. */
  protected abstract shouldStop(updateCounter: UpdateCounter): boolean;

  override periodicCallback({ intervalType, updateCounter }: PeriodicCallbackContext): void {
    if (intervalType !== "eval" && this.shouldStop(updateCounter)) {
      throw new EarlyStopIteration(`${this} ends training at ${updateCounter.curIteration}`);
    }
  }
}
