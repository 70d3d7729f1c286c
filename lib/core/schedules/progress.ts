import type { z } from "zod";
import { AssertionError, NotImplementedError, ValueError } from "../../config/python-errors";
import { pyNumber } from "../../config/python-format";
import { register } from "../../config/registry";
import { bool, float, tag, type FieldType } from "../../config/schema";
import { ScheduleBase, ScheduleBaseConfig } from "./base";

/** Base of schedules that follow a progress from 0 to 1. */
export const ProgressScheduleConfig = ScheduleBaseConfig.extend("ProgressScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.ProgressSchedule"),
    /** Skip the start value: the first step is already one step away from it. */
    exclude_first: bool().default(false),
    /** Stop one step short of the end value. */
    exclude_last: bool().default(false),
  },
});
export type ProgressScheduleOptions = z.input<typeof ProgressScheduleConfig>;

/** `start + progress * delta`, where progress runs from 0 to 1. */
export abstract class ProgressSchedule extends ScheduleBase {
  readonly startValue: number;
  readonly delta: number;
  readonly excludeFirst: boolean;
  readonly excludeLast: boolean;

  constructor(config: ProgressScheduleOptions, startValue: number, delta: number) {
    super(config);
    this.startValue = startValue;
    this.delta = delta;
    this.excludeFirst = config.exclude_first ?? false;
    this.excludeLast = config.exclude_last ?? false;
  }

  override computeValue(step: number, totalSteps: number): number {
    const total = totalSteps + (this.excludeLast ? 1 : 0) + (this.excludeFirst ? 1 : 0);
    return this.startValue + this.getProgress(this.excludeFirst ? step + 1 : step, total) * this.delta;
  }

  /** Progress in [0, 1] at `step` of `totalSteps`. */
  getProgress(_step: number, _totalSteps: number): number {
    throw new NotImplementedError(
      `${this.constructor.name} is a base class; use a Linear, Cosine, Polynomial or Step schedule`,
    );
  }

  override toString(): string {
    const end = this.startValue + this.delta;
    const flag = (value: boolean): string => (value ? "True" : "False");
    return `${this.constructor.name}(start=${pyNumber(this.startValue)}, end=${pyNumber(end)}, excl_first=${flag(this.excludeFirst)}, excl_last=${flag(this.excludeLast)})`;
  }
}

// a config that has no class in the Python framework either
register("noether.core.schedules.ProgressSchedule", {
  schema: ProgressScheduleConfig,
  aliases: ["noether.core.schedules.progress.ProgressSchedule"],
});

/** Base of schedules from `max_value` down to `end_value`. */
export const DecreasingProgressScheduleConfig = ProgressScheduleConfig.extend("DecreasingProgressScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.DecreasingProgressSchedule"),
    /** First value. */
    max_value: float({ ge: 0 }),
    /** Last value. */
    end_value: float({ ge: 0 }).default(0),
  },
});
export type DecreasingProgressScheduleOptions = z.input<typeof DecreasingProgressScheduleConfig>;

/** From `max_value` down to `end_value`. */
export class DecreasingProgressSchedule extends ProgressSchedule {
  static readonly schema: FieldType = DecreasingProgressScheduleConfig;

  constructor(config: DecreasingProgressScheduleOptions) {
    const end = config.end_value ?? 0;
    if (end > config.max_value) {
      throw new ValueError(
        `end_value must be less than or equal to max_value, but got end_value ${end} and max_value ${config.max_value}`,
      );
    }
    super(config, config.max_value, end - config.max_value);
  }
}

register("noether.core.schedules.DecreasingProgressSchedule", {
  class: DecreasingProgressSchedule,
  aliases: ["noether.core.schedules.progress.DecreasingProgressSchedule"],
});

/** Base of schedules from `start_value` up to `max_value`. */
export const IncreasingProgressScheduleConfig = ProgressScheduleConfig.extend("IncreasingProgressScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.IncreasingProgressSchedule"),
    /** First value. */
    start_value: float().default(0),
    /** Last value. */
    max_value: float().nullable(),
  },
});
export type IncreasingProgressScheduleOptions = z.input<typeof IncreasingProgressScheduleConfig>;

/** From `start_value` up to `max_value`. */
export class IncreasingProgressSchedule extends ProgressSchedule {
  static readonly schema: FieldType = IncreasingProgressScheduleConfig;

  constructor(config: IncreasingProgressScheduleOptions) {
    const start = config.start_value ?? 0;
    if (config.max_value === null || config.max_value === undefined) {
      throw new AssertionError("an increasing schedule needs max_value");
    }
    if (start > config.max_value) {
      throw new AssertionError(
        `start_value must be less than or equal to max_value, but got start_value ${start} and max_value ${config.max_value}`,
      );
    }
    super(config, start, config.max_value - start);
  }
}

register("noether.core.schedules.IncreasingProgressSchedule", {
  class: IncreasingProgressSchedule,
  aliases: ["noether.core.schedules.progress.IncreasingProgressSchedule"],
});

/**
 * Share of the way at `step` of `totalSteps`: 1 at the last step. At most 1: a step at the very end (`step === totalSteps`)
 * holds the end value.
 */
export function linearProgress(step: number, totalSteps: number): number {
  return Math.min(step / Math.max(1, totalSteps - 1), 1);
}

/** `x` rounded to ten decimals, so that 0.3 / 0.1 counts as 3. */
export function roundTenDecimals(x: number): number {
  return Number(x.toFixed(10));
}
