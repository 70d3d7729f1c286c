import type { FieldType } from "../../../config/schema";
import { register } from "../../../config/registry";
import type { UpdateCounter } from "../../iteration/update-counter";
import { allGatherValues } from "../../distributed";
import { arrayToString } from "../../logging/formatters";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext, type UpdateTimes } from "../periodic";

/** Logs mean and longest time, over all processes, of the parts of an update: `train_time/{part}/{mean,max}/{interval}`. */
export class TrainTimeCallback extends PeriodicCallback {
  static readonly schema: FieldType = CallBackBaseConfig;
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
    const own: [part: string, mean: number, longest: number][] = [];
    for (const [part, list] of this.#times) {
      if (list.length === 0) continue;
      const sum = list.reduce((a, b) => a + b, 0);
      own.push([part, sum / list.length, list.reduce((a, b) => Math.max(a, b))]); // a long interval is too much for spread arguments
      this.#totals.set(part, (this.#totals.get(part) ?? 0) + sum);
      list.length = 0;
    }
    const suffix = this.toShortIntervalString();
    const all = allGatherValues(own).flat();
    for (const [part] of own) {
      const ofPart = all.filter(([name]) => name === part);
      const mean = ofPart.reduce((sum, [, value]) => sum + value, 0) / ofPart.length;
      this.writer.addScalar(`train_time/${part}/mean/${suffix}`, Math.fround(mean));
      this.writer.addScalar(
        `train_time/${part}/max/${suffix}`,
        Math.fround(Math.max(...ofPart.map(([, , longest]) => longest))),
      );
    }
  }

  override afterTraining(_updateCounter: UpdateCounter): void {
    const own = [...this.#times].map(([part, list]): [string, number] => [
      part,
      list.reduce((a, b) => a + b, this.#totals.get(part) ?? 0),
    ]);
    const all = allGatherValues(own).flat();
    for (const [part] of own) {
      const totals = all.filter(([name]) => name === part).map(([, total]) => total);
      this.logger.debug(`${part}: total=${arrayToString(totals)} [sec]`);
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
