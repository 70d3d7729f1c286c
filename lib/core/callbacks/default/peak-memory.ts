import type { FieldType } from "../../../config/schema";
import { toFixedHalfEven } from "../../../config/python-format";
import { register } from "../../../config/registry";
import { cuda, memory, resetPeakMemory } from "../../../torch";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

const GIBIBYTE = 2 ** 30;

/**
 * Logs the most tensor memory that was in use since the last time, of the model's GPU or of the host, in GiB:
 * `memory/peak_gib/{interval}`.
 */
export class PeakMemoryCallback extends PeriodicCallback {
  static readonly schema: FieldType = CallBackBaseConfig;

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    const { device } = this.model;
    const onGpu = device.startsWith("cuda");
    const bytes = onGpu ? cuda.maxMemoryAllocated(device) : memory().peakBytes;
    this.logger.debug(`max_memory_allocated: ${toFixedHalfEven(bytes / GIBIBYTE, 2)} GB`);
    this.writer.addScalar(`memory/peak_gib/${this.toShortIntervalString()}`, bytes / GIBIBYTE);
    if (onGpu) cuda.resetPeakMemoryStats(device);
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
