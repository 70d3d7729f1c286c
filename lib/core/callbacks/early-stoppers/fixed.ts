import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import { defineConfig, int, optional, str, tag, type FieldType } from "../../../config/schema";
import type { UpdateCounter } from "../../iteration/update-counter";
import type { CallbackDependencies } from "../base";
import { EarlyStopperBase } from "./base";

/** Not a {@link CallBackBaseConfig}: only its own fields; unknown keys (intervals too) are dropped. */
export const FixedEarlyStopperConfig = defineConfig("FixedEarlyStopperConfig", {
  extra: "ignore",
  fields: {
    /** Tells configs of this class. */
    name: tag("FixedEarlyStopper"),
    kind: optional(str()),
    /** End of training; exactly one of the three is given. */
    stop_at_sample: optional(int({ ge: 1 })),
    /** The same in optimizer steps. */
    stop_at_update: optional(int({ ge: 1 })),
    /** The same in epochs. */
    stop_at_epoch: optional(int({ ge: 1 })),
  },
  check: (config, complain) => {
    const given = [config.stop_at_sample, config.stop_at_update, config.stop_at_epoch].filter((n) => n !== null);
    if (given.length !== 1) complain("expected exactly one of stop_at_sample, stop_at_update and stop_at_epoch");
  },
});
export type FixedEarlyStopperConfig = z.output<typeof FixedEarlyStopperConfig>;

/** Ends training at an epoch, update or sample, without changing the schedules as `max_…` would. */
export class FixedEarlyStopper extends EarlyStopperBase {
  static readonly schema: FieldType = FixedEarlyStopperConfig;
  readonly stopAtSample: number | null;
  readonly stopAtUpdate: number | null;
  readonly stopAtEpoch: number | null;

  constructor(
    config: Pick<FixedEarlyStopperConfig, "stop_at_sample" | "stop_at_update" | "stop_at_epoch">,
    dependencies: CallbackDependencies,
  ) {
    super({ every_n_updates: 1 }, dependencies);
    this.stopAtSample = config.stop_at_sample;
    this.stopAtUpdate = config.stop_at_update;
    this.stopAtEpoch = config.stop_at_epoch;
    if (this.stopAtSample === null && this.stopAtUpdate === null && this.stopAtEpoch === null) {
      throw new ValueError("FixedEarlyStopper needs stop_at_sample, stop_at_update or stop_at_epoch");
    }
  }

  protected override shouldStop({ sample, update, epoch }: UpdateCounter): boolean {
    const reached = (value: number, stop: number | null): boolean => stop !== null && value >= stop;
    return reached(sample, this.stopAtSample) || reached(update, this.stopAtUpdate) || reached(epoch, this.stopAtEpoch);
  }
}

register("noether.core.callbacks.FixedEarlyStopper", {
  class: FixedEarlyStopper,
  aliases: [
    "noether.core.callbacks.early_stoppers.FixedEarlyStopper",
    "noether.core.callbacks.early_stoppers.fixed.FixedEarlyStopper",
  ],
});
