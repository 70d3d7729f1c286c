import type { z } from "zod";
import { pyNumber } from "../../config/python-format";
import { register } from "../../config/registry";
import { float, list, tag, type FieldType } from "../../config/schema";
import { ScheduleBase, ScheduleBaseConfig } from "./base";
import { DecreasingProgressSchedule, DecreasingProgressScheduleConfig, roundTenDecimals } from "./progress";

/** A share of training, strictly between 0 and 1. */
const openShare = () => float({ gt: 0, lt: 1 });

/** Whole intervals of the share `interval` that have passed at `step` of `totalSteps`. */
function passedIntervals(step: number, totalSteps: number, interval: number): number {
  return Math.trunc(roundTenDecimals(step / totalSteps / interval));
}

/** Config of {@link StepDecreasingSchedule}. */
export const StepDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend("StepDecreasingScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.StepDecreasingSchedule"),
    /** What is left of the distance to the end value after each interval. */
    factor: float({ ge: 0 }),
    /** Length of an interval as a share of training. */
    decreases_interval: openShare(),
  },
});

/** `end + (max - end) * factor^n` after n intervals of the share `decreases_interval` of training. */
export class StepDecreasingSchedule extends DecreasingProgressSchedule {
  static override readonly schema: FieldType = StepDecreasingScheduleConfig;
  readonly factor: number;
  readonly decreasesInterval: number;

  constructor(config: z.input<typeof StepDecreasingScheduleConfig>) {
    super(config);
    this.factor = config.factor;
    this.decreasesInterval = config.decreases_interval;
  }

  override getProgress(step: number, totalSteps: number): number {
    return 1 - this.factor ** passedIntervals(step, totalSteps, this.decreasesInterval);
  }
}

register("noether.core.schedules.StepDecreasingSchedule", {
  class: StepDecreasingSchedule,
  aliases: ["noether.core.schedules.step.StepDecreasingSchedule"],
});

/** Config of {@link StepFixedSchedule}. */
export const StepFixedScheduleConfig = ScheduleBaseConfig.extend("StepFixedScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.StepFixedSchedule"),
    /** Value before the first step. */
    start_value: float().default(1),
    /** What the value is multiplied by at each step. */
    factor: float({ ge: 0 }),
    /** Shares of training at which the value steps. */
    steps: list(openShare()),
  },
  check: (config, complain) => {
    if (config.steps.length === 0) complain("expected at least one step, received an empty list", "steps");
  },
});

/** `start_value * factor^n` after the n-th of the listed shares of training. */
export class StepFixedSchedule extends ScheduleBase {
  static readonly schema: FieldType = StepFixedScheduleConfig;
  readonly startValue: number;
  readonly factor: number;
  readonly steps: readonly number[];

  constructor(config: z.input<typeof StepFixedScheduleConfig>) {
    super(config);
    this.startValue = config.start_value ?? 1;
    this.factor = config.factor;
    this.steps = [...config.steps].sort((a, b) => a - b);
  }

  override computeValue(step: number, totalSteps: number): number {
    const next = this.steps.findIndex((share) => share > step / totalSteps);
    return this.startValue * this.factor ** (next === -1 ? this.steps.length : next);
  }

  override toString(): string {
    return `StepFixedSchedule(start_value=${pyNumber(this.startValue)}, factor=${pyNumber(this.factor)}, steps=[${this.steps.map(pyNumber).join(", ")}])`;
  }
}

register("noether.core.schedules.StepFixedSchedule", {
  class: StepFixedSchedule,
  aliases: ["noether.core.schedules.step.StepFixedSchedule"],
});

/** Config of {@link StepIntervalSchedule}. */
export const StepIntervalScheduleConfig = ScheduleBaseConfig.extend("StepIntervalScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.StepIntervalSchedule"),
    /** Value before the first step. */
    start_value: float().default(1),
    /** What the value is multiplied by at each step. */
    factor: float({ ge: 0 }),
    /** Share of training between steps. */
    update_interval: openShare(),
  },
});

/** `start_value * factor^n` after n intervals of the share `update_interval` of training. */
export class StepIntervalSchedule extends ScheduleBase {
  static readonly schema: FieldType = StepIntervalScheduleConfig;
  readonly startValue: number;
  readonly factor: number;
  readonly updateInterval: number;

  constructor(config: z.input<typeof StepIntervalScheduleConfig>) {
    super(config);
    this.startValue = config.start_value ?? 1;
    this.factor = config.factor;
    this.updateInterval = config.update_interval;
  }

  override computeValue(step: number, totalSteps: number): number {
    return this.startValue * this.factor ** passedIntervals(step, totalSteps, this.updateInterval);
  }

  override toString(): string {
    return `StepIntervalSchedule(start_value=${pyNumber(this.startValue)}, factor=${pyNumber(this.factor)}, interval=${pyNumber(this.updateInterval)})`;
  }
}

register("noether.core.schedules.StepIntervalSchedule", {
  class: StepIntervalSchedule,
  aliases: ["noether.core.schedules.step.StepIntervalSchedule"],
});
