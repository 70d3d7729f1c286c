import { ValueError } from "../../../config/python-errors";
import type { FixedEarlyStopperConfig } from "../configs";
import type { UpdateCounter } from "../../iteration/update-counter";
import type { CallbackDependencies } from "../base";
import { EarlyStopperBase } from "./base";

/** Ends training at an epoch, update or sample, without changing the schedules as `max_…` would. */
export class FixedEarlyStopper extends EarlyStopperBase {
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
