import { register } from "../../config/registry";
import { tag, type FieldType } from "../../config/schema";
import {
  DecreasingProgressSchedule,
  DecreasingProgressScheduleConfig,
  IncreasingProgressSchedule,
  IncreasingProgressScheduleConfig,
  linearProgress,
} from "./progress";

function cosineProgress(step: number, totalSteps: number): number {
  return 1 - (1 + Math.cos(Math.PI * linearProgress(step, totalSteps))) / 2;
}

/** Config of {@link CosineIncreasingSchedule}. */
export const CosineIncreasingScheduleConfig = IncreasingProgressScheduleConfig.extend(
  "CosineIncreasingScheduleConfig",
  {
    fields: { kind: tag("noether.core.schedules.CosineIncreasingSchedule") },
  },
);

/** From `start_value` to `max_value` along half a cosine. */
export class CosineIncreasingSchedule extends IncreasingProgressSchedule {
  static override readonly schema: FieldType = CosineIncreasingScheduleConfig;

  override getProgress(step: number, totalSteps: number): number {
    return cosineProgress(step, totalSteps);
  }
}

register("noether.core.schedules.CosineIncreasingSchedule", {
  class: CosineIncreasingSchedule,
  aliases: ["noether.core.schedules.cosine.CosineIncreasingSchedule"],
});

/** Config of {@link CosineDecreasingSchedule}. */
export const CosineDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend(
  "CosineDecreasingScheduleConfig",
  {
    fields: { kind: tag("noether.core.schedules.CosineDecreasingSchedule") },
  },
);

/** From `max_value` to `end_value` along half a cosine. */
export class CosineDecreasingSchedule extends DecreasingProgressSchedule {
  static override readonly schema: FieldType = CosineDecreasingScheduleConfig;

  override getProgress(step: number, totalSteps: number): number {
    return cosineProgress(step, totalSteps);
  }
}

register("noether.core.schedules.CosineDecreasingSchedule", {
  class: CosineDecreasingSchedule,
  aliases: ["noether.core.schedules.cosine.CosineDecreasingSchedule"],
});
