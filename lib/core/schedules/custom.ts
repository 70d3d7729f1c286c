import type { z } from "zod";
import { ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { float, list, tag, type FieldType } from "../../config/schema";
import { ScheduleBase, ScheduleBaseConfig } from "./base";

/** Config of {@link CustomSchedule}. */
export const CustomScheduleConfig = ScheduleBaseConfig.extend("CustomScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.CustomSchedule"),
    /** The value of each step, in order. */
    values: list(float()),
  },
});

/** One listed value per step. */
export class CustomSchedule extends ScheduleBase {
  static readonly schema: FieldType = CustomScheduleConfig;
  readonly values: readonly number[];

  constructor(config: z.input<typeof CustomScheduleConfig>) {
    super(config);
    this.values = config.values;
  }

  override computeValue(step: number): number {
    const value = this.values[step];
    if (value === undefined) {
      throw new ValueError(`CustomSchedule: step ${step} is past the ${this.values.length} values that were given`);
    }
    return value;
  }
}

register("noether.core.schedules.CustomSchedule", {
  class: CustomSchedule,
  aliases: ["noether.core.schedules.custom.CustomSchedule"],
});
