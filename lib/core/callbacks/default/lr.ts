import type { FieldType } from "../../../config/schema";
import { register } from "../../../config/registry";
import type { UpdateCounter } from "../../iteration/update-counter";
import { CallBackBaseConfig } from "../base-config";
import { PeriodicCallback, type PeriodicCallbackContext } from "../periodic";

/**
 * Logs learning rate and weight decay of models that have a schedule for it: `optim/lr/{model}/{group}`,
 * `optim/wd/{model}/{group}`. The first update is logged whatever the interval.
 */
export class LrCallback extends PeriodicCallback {
  static readonly schema: FieldType = CallBackBaseConfig;

  override isUpdateDue(updateCounter: UpdateCounter): boolean {
    return super.isUpdateDue(updateCounter) || updateCounter.update === 1;
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    for (const [name, model] of Object.entries(this.model.getNamedModels())) {
      const { optimizer } = model;
      if (optimizer === null) continue;
      for (const group of optimizer.paramGroups) {
        if (optimizer.schedule !== null) this.#logOnce(`optim/lr/${name}/${group.name}`, group.lr);
        if (optimizer.weightDecaySchedule !== null) this.#logOnce(`optim/wd/${name}/${group.name}`, group.weightDecay);
      }
    }
  }

  /** The first update may be the end of an interval as well; groups may share a name. */
  #logOnce(key: string, value: number): void {
    if (this.writer.logCache === null || !Object.hasOwn(this.writer.logCache, key)) {
      this.writer.addScalar(key, value);
    }
  }
}

register("noether.core.callbacks.LrCallback", {
  class: LrCallback,
  aliases: ["noether.core.callbacks.default.LrCallback", "noether.core.callbacks.default.lr.LrCallback"],
});
