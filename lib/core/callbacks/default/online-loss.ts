import type { z } from "zod";
import { RuntimeError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { bool, tag } from "../../../config/schema";
import { keep, scope, stack, type Tensor } from "../../../torch";
import type { CallbackDependencies } from "../base";
import { CallBackBaseConfig } from "../base-config";
import {
  type AccumulationStep,
  PeriodicCallback,
  type PeriodicCallbackConfig,
  type PeriodicCallbackContext,
} from "../periodic";

/** Config of {@link OnlineLossCallback}. */
export const OnlineLossCallbackConfig = CallBackBaseConfig.extend("OnlineLossCallbackConfig", {
  fields: { name: tag("OnlineLossCallback"), verbose: bool().default(true) },
});
export type OnlineLossCallbackConfig = z.output<typeof OnlineLossCallbackConfig>;

/**
 * Logs the mean training loss since the last time, `loss/online/{name}/{interval}`, and stops training when it is NaN.
 */
export class OnlineLossCallback extends PeriodicCallback {
  static readonly schema: z.ZodType = OnlineLossCallbackConfig;
  /** Prints the losses as well. */
  readonly verbose: boolean;
  readonly #tracked = new Map<string, Tensor[]>();

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
    }
  }

  override periodicCallback({ intervalType }: PeriodicCallbackContext): void {
    if (intervalType === "eval") {
      return;
    }
    for (const [name, list] of this.#tracked) {
      if (list.length === 0) continue;
      const mean = scope(() => {
        const all = stack(list);
        // Steps that were skipped because of NaN did not change the weights and do not count.
        return Number((this.trainer.config.skip_nan_loss ? all.nanmean() : all.mean()).item());
      });
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
      this.writer.addScalar(`loss/online/${name}/${this.toShortIntervalString()}`, mean, {
        logger: this.verbose ? this.logger : null,
      });
    }
  }
}

register("noether.core.callbacks.OnlineLossCallback", {
  class: OnlineLossCallback,
  aliases: [
    "noether.core.callbacks.default.OnlineLossCallback",
    "noether.core.callbacks.default.online_loss.OnlineLossCallback",
  ],
});
