import type { z } from "zod";
import { toFixedHalfEven } from "../../../config/python-format";
import { register } from "../../../config/registry";
import { memory, resetPeakMemory } from "../../../torch";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

const GIBIBYTE = 2 ** 30;

/** Logs the most tensor memory that was in use since the last time. */
export class PeakMemoryCallback extends PeriodicCallback {
  static readonly schema: z.ZodType = CallBackBaseConfig;

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    this.logger.debug(`max_memory_allocated: ${toFixedHalfEven(memory().peakBytes / GIBIBYTE, 2)} GB`);
    resetPeakMemory();
  }
}

register("noether.core.callbacks.PeakMemoryCallback", {
  class: PeakMemoryCallback,
  aliases: [
    "noether.core.callbacks.default.PeakMemoryCallback",
    "noether.core.callbacks.default.peak_memory.PeakMemoryCallback",
  ],
});
