import type { z } from "zod";
import { ValueError } from "../../config/python-errors";
import { pyNumber } from "../../config/python-format";
import { register } from "../../config/registry";
import { float, int, optional, tag, type FieldType } from "../../config/schema";
import { ScheduleBase, ScheduleBaseConfig } from "./base";
import { CosineDecreasingSchedule } from "./cosine";
import { LinearIncreasingSchedule } from "./linear";
import { SequentialPercentSchedule, SequentialStepSchedule } from "./sequential";

/** Config of {@link LinearWarmupCosineDecaySchedule}; exactly one of the two warm-up fields is set. */
export const LinearWarmupCosineDecayScheduleConfig = ScheduleBaseConfig.extend(
  "LinearWarmupCosineDecayScheduleConfig",
  {
    fields: {
      kind: tag("noether.core.schedules.LinearWarmupCosineDecaySchedule"),
      /** Updates of the warm-up. */
      warmup_steps: optional(int()),
      /** Share of training in the warm-up, 0 to 1. */
      warmup_percent: optional(float()),
      /** Value at the first step; 0 is skipped (the first step is already above it). */
      start_value: float({ ge: 0 }).default(0),
      /** Value at the end of the warm-up; **not** the optimizer's `lr` unless the YAML says so. Required since release 2026.4. */
      max_value: float({ ge: 0 }),
      /** Value at the end of training. */
      end_value: float({ ge: 0 }).default(1e-6),
    },
    check: (config, complain) => {
      if ((config.warmup_steps === null) === (config.warmup_percent === null)) {
        complain("expected exactly one of warmup_steps and warmup_percent");
      }
    },
  },
);
export type LinearWarmupCosineDecayScheduleConfig = z.output<typeof LinearWarmupCosineDecayScheduleConfig>;
export type LinearWarmupCosineDecayScheduleOptions = z.input<typeof LinearWarmupCosineDecayScheduleConfig>;

/** Linear warm-up from `start_value` to `max_value`, then half a cosine down to `end_value`. */
export class LinearWarmupCosineDecaySchedule extends ScheduleBase {
  static readonly schema: FieldType = LinearWarmupCosineDecayScheduleConfig;
  readonly schedule: SequentialPercentSchedule | SequentialStepSchedule;
  readonly warmupSteps: number | null;
  readonly warmupPercent: number | null;

  constructor(config: LinearWarmupCosineDecayScheduleOptions) {
    super(config);
    this.warmupSteps = config.warmup_steps ?? null;
    this.warmupPercent = config.warmup_percent ?? null;
    if ((this.warmupSteps === null) === (this.warmupPercent === null)) {
      throw new ValueError(
        "LinearWarmupCosineDecaySchedule: exactly one of warmup_steps and warmup_percent has to be set",
      );
    }
    const start_value = config.start_value ?? 0;
    const max_value = config.max_value;
    const end_value = config.end_value ?? 1e-6;
    const warmup = new LinearIncreasingSchedule({
      start_value,
      max_value,
      exclude_first: start_value === 0,
      exclude_last: true,
    });
    const decay = new CosineDecreasingSchedule({ max_value, end_value });
    this.schedule =
      this.warmupSteps === null
        ? new SequentialPercentSchedule([
            { schedule: warmup, end_percent: this.warmupPercent },
            { schedule: decay, start_percent: this.warmupPercent },
          ])
        : new SequentialStepSchedule([
            { schedule: warmup, start_step: 0, end_step: this.warmupSteps },
            { schedule: decay, start_step: this.warmupSteps },
          ]);
  }

  override computeValue(step: number, totalSteps: number): number {
    return this.schedule.getValue(step, totalSteps);
  }

  override toString(): string {
    const warmup =
      this.warmupPercent === null
        ? `warmup_steps=${this.warmupSteps}`
        : `warmup_percent=${pyNumber(this.warmupPercent)}`;
    return `LinearWarmupCosineDecaySchedule(${warmup})`;
  }
}

register("noether.core.schedules.LinearWarmupCosineDecaySchedule", {
  class: LinearWarmupCosineDecaySchedule,
  aliases: ["noether.core.schedules.linear_warmup_cosine_decay.LinearWarmupCosineDecaySchedule"],
});
