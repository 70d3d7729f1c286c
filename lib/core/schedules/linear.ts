import { register } from "../../config/registry";
import { tag, type FieldType } from "../../config/schema";
import {
  DecreasingProgressSchedule,
  DecreasingProgressScheduleConfig,
  IncreasingProgressSchedule,
  IncreasingProgressScheduleConfig,
  linearProgress,
} from "./progress";

/** Config of {@link LinearIncreasingSchedule}. */
export const LinearIncreasingScheduleConfig = IncreasingProgressScheduleConfig.extend(
  "LinearIncreasingScheduleConfig",
  {
    fields: { kind: tag("noether.core.schedules.LinearIncreasingSchedule") },
  },
);

/** From `start_value` to `max_value` in equal steps. */
export class LinearIncreasingSchedule extends IncreasingProgressSchedule {
  static override readonly schema: FieldType = LinearIncreasingScheduleConfig;

  override getProgress(step: number, totalSteps: number): number {
    return linearProgress(step, totalSteps);
  }
}

register("noether.core.schedules.LinearIncreasingSchedule", {
  class: LinearIncreasingSchedule,
  aliases: ["noether.core.schedules.linear.LinearIncreasingSchedule"],
});

/** Config of {@link LinearDecreasingSchedule}. */
export const LinearDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend(
  "LinearDecreasingScheduleConfig",
  {
    fields: { kind: tag("noether.core.schedules.LinearDecreasingSchedule") },
  },
);

/** From `max_value` to `end_value` in equal steps. */
export class LinearDecreasingSchedule extends DecreasingProgressSchedule {
  static override readonly schema: FieldType = LinearDecreasingScheduleConfig;

  override getProgress(step: number, totalSteps: number): number {
    return linearProgress(step, totalSteps);
  }
}

register("noether.core.schedules.LinearDecreasingSchedule", {
  class: LinearDecreasingSchedule,
  aliases: ["noether.core.schedules.linear.LinearDecreasingSchedule"],
});
