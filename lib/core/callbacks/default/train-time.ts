import type { z } from "zod";
import { register } from "../../../config/registry";
import type { UpdateCounter } from "../../iteration/update-counter";
import { arrayToString } from "../../logging/formatters";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext, type UpdateTimes } from "../periodic";

/** Logs mean and longest time of the parts of an update: `train_time/{part}/{mean,max}/{interval}`. */
export class TrainTimeCallback extends PeriodicCallback {
  static readonly schema: z.ZodType = CallBackBaseConfig;
  readonly #times = new Map<string, number[]>();
  readonly #totals = new Map<string, number>();

  override trackAfterUpdateStep(_updateCounter: UpdateCounter, times: UpdateTimes): void {
    for (const [part, seconds] of Object.entries(times)) {
      const list = this.#times.get(part) ?? [];
      list.push(seconds);
      this.#times.set(part, list);
    }
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    for (const [part, list] of this.#times) {
      if (list.length === 0) continue;
      const sum = list.reduce((a, b) => a + b, 0);
      const longest = list.reduce((a, b) => Math.max(a, b)); // a long interval is too much for spread arguments
      this.#totals.set(part, (this.#totals.get(part) ?? 0) + sum);
      const suffix = this.toShortIntervalString();
      this.writer.addScalar(`train_time/${part}/mean/${suffix}`, Math.fround(sum / list.length));
      this.writer.addScalar(`train_time/${part}/max/${suffix}`, Math.fround(longest));
      list.length = 0;
    }
  }

  override afterTraining(_updateCounter: UpdateCounter): void {
    for (const [part, list] of this.#times) {
      const total = list.reduce((a, b) => a + b, this.#totals.get(part) ?? 0);
      this.logger.debug(`${part}: total=${arrayToString([total])} [sec]`);
    }
  }
}

register("noether.core.callbacks.TrainTimeCallback", {
  class: TrainTimeCallback,
  aliases: [
    "noether.core.callbacks.default.TrainTimeCallback",
    "noether.core.callbacks.default.train_time.TrainTimeCallback",
  ],
});
