import type { z } from "zod";
import { pyNumber } from "../../config/python-format";
import { register } from "../../config/registry";
import { float, tag, type FieldType } from "../../config/schema";
import { ScheduleBase, ScheduleBaseConfig } from "./base";

/** Config of {@link ConstantSchedule}. */
export const ConstantScheduleConfig = ScheduleBaseConfig.extend("ConstantScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.ConstantSchedule"),
    /** The value at every step. */
    value: float(),
  },
});

/** The same value at every step. */
export class ConstantSchedule extends ScheduleBase {
  static readonly schema: FieldType = ConstantScheduleConfig;
  readonly value: number;

  constructor(config: z.input<typeof ConstantScheduleConfig>) {
    super(config);
    this.value = config.value;
  }

  override computeValue(): number {
    return this.value;
  }

  override toString(): string {
    return `ConstantSchedule(value=${pyNumber(this.value)})`;
  }
}

register("noether.core.schedules.ConstantSchedule", {
  class: ConstantSchedule,
  aliases: ["noether.core.schedules.base.ConstantSchedule"],
});
