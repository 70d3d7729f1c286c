import type { z } from "zod";
import { RuntimeError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { bool, tag, type FieldType } from "../../../config/schema";
import { keep, scope, stack, type Tensor } from "../../../torch";
import { allReduceMeanNograd } from "../../distributed";
import type { CallbackDependencies } from "../base";
import { CallBackBaseConfig } from "../base-config";
import type { UpdateCounter } from "../../iteration/update-counter";
import {
  type AccumulationStep,
  PeriodicCallback,
  type PeriodicCallbackConfig,
  type PeriodicCallbackContext,
  type UpdateTimes,
} from "../periodic";

/** Config of {@link OnlineLossCallback}. */
export const OnlineLossCallbackConfig = CallBackBaseConfig.extend("OnlineLossCallbackConfig", {
  fields: {
    name: tag("OnlineLossCallback"),
    /** Also logs the losses as text. */
    verbose: bool().default(true),
  },
});
export type OnlineLossCallbackConfig = z.output<typeof OnlineLossCallbackConfig>;

/**
 * Logs the mean training loss of all processes since the last time, `loss/online/{name}/{interval}`, and stops training when it is NaN.
 */
export class OnlineLossCallback extends PeriodicCallback {
  static readonly schema: FieldType = OnlineLossCallbackConfig;
  /** Prints the losses as well. */
  readonly verbose: boolean;
  readonly #tracked = new Map<string, Tensor[]>();
  /** Entries of {@link #tracked} that belong to the update in progress. */
  readonly #current = new Map<string, number>();
  /** An update since the last log was left out. */
  #skipped = false;

  constructor(
    config: PeriodicCallbackConfig & Pick<OnlineLossCallbackConfig, "verbose">,
    dependencies: CallbackDependencies,
  ) {
    super(config, dependencies);
    this.verbose = config.verbose;
  }

  override trackAfterAccumulationStep({ losses }: AccumulationStep): void {
    for (const [name, loss] of Object.entries(losses)) {
      const list = this.#tracked.get(name) ?? [];
      // An alias of its own: the losses themselves end with the update.
      list.push(keep(loss.detach()));
      this.#tracked.set(name, list);
      this.#current.set(name, (this.#current.get(name) ?? 0) + 1);
    }
  }

  /** The losses of an update that was left out do not count. */
  override trackAfterUpdateStep(_counter?: UpdateCounter, _times?: UpdateTimes, update = { skipped: false }): void {
    for (const [name, count] of this.#current) {
      if (update.skipped) for (const loss of this.#tracked.get(name)?.splice(-count) ?? []) loss.dispose();
    }
    this.#current.clear();
    this.#skipped ||= update.skipped;
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    const means = this.#means();
    for (const [name, list] of this.#tracked) {
      if (list.length === 0) {
        // If all updates were left out there is no loss; a callback that needs the metric still finds it.
        if (this.#skipped) this.#log(name, NaN);
        continue;
      }
      const mean = means.get(name)!;
      const nanCount = Number.isNaN(mean)
        ? list.filter((loss) => scope(() => Boolean(loss.isnan().any().item()))).length
        : 0;
      const count = list.length;
      for (const loss of list) loss.dispose();
      list.length = 0;
      if (Number.isNaN(mean) && !this.trainer.config.skip_nan_loss) {
        throw new RuntimeError(
          `encountered nan loss: '${name}' was NaN in ${nanCount} of the last ${count} steps; lower the learning rate, clip gradients, or set skip_nan_loss`,
        );
      }
      this.#log(name, mean);
    }
    this.#skipped = false;
  }

  /** Mean of each loss since the last log, all read at once: each read makes the program wait for the device. */
  #means(): Map<string, number> {
    const tracked = [...this.#tracked].filter(([, list]) => list.length > 0);
    if (tracked.length === 0) return new Map();
    return scope(() => {
      const means = tracked.map(([, list]) => {
        const all = stack(list);
        // Steps that were skipped because of NaN did not change the weights and do not count.
        return this.trainer.config.skip_nan_loss ? all.nanmean() : all.mean();
      });
      const dtype = means.some((mean) => mean.dtype === "float64") ? "float64" : "float32";
      const values = allReduceMeanNograd(stack(means.map((mean) => mean.to(dtype)))).toArray() as number[];
      return new Map(tracked.map(([name], i) => [name, values[i]!]));
    });
  }

  #log(name: string, mean: number): void {
    this.writer.addScalar(`loss/online/${name}/${this.toShortIntervalString()}`, mean, {
      logger: this.verbose ? this.logger : null,
    });
  }
}

register("noether.core.callbacks.OnlineLossCallback", {
  class: OnlineLossCallback,
  aliases: [
    "noether.core.callbacks.default.OnlineLossCallback",
    "noether.core.callbacks.default.online_loss.OnlineLossCallback",
  ],
});
