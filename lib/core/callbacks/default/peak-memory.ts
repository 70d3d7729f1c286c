import { memory, resetPeakMemory } from "../../../torch";
import { toFixedHalfEven } from "../../../config/python-format";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

const GIBIBYTE = 2 ** 30;

/** Logs the most tensor memory that was in use since the last time. */
export class PeakMemoryCallback extends PeriodicCallback {
  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    this.logger.debug(`max_memory_allocated: ${toFixedHalfEven(memory().peakBytes / GIBIBYTE, 2)} GB`);
    resetPeakMemory();
  }
}
