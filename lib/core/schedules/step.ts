import { pyNumber } from "../../config/python-format";
import { ScheduleBase, type ScheduleBaseOptions } from "./base";
import { DecreasingProgressSchedule, type DecreasingProgressScheduleOptions, roundTenDecimals } from "./progress";

/** Whole intervals of the share `interval` that have passed at `step` of `totalSteps`. */
function passedIntervals(step: number, totalSteps: number, interval: number): number {
  return Math.trunc(roundTenDecimals(step / totalSteps / interval));
}

/** `end + (max - end) * factor^n` after n intervals of the share `decreases_interval` of training. */
export class StepDecreasingSchedule extends DecreasingProgressSchedule {
  readonly factor: number;
  readonly decreasesInterval: number;

  constructor(
    config: DecreasingProgressScheduleOptions & { readonly factor: number; readonly decreases_interval: number },
  ) {
    super(config);
    this.factor = config.factor;
    this.decreasesInterval = config.decreases_interval;
  }

  override getProgress(step: number, totalSteps: number): number {
    return 1 - this.factor ** passedIntervals(step, totalSteps, this.decreasesInterval);
  }
}

/** `start_value * factor^n` after the n-th of the listed shares of training. */
export class StepFixedSchedule extends ScheduleBase {
  readonly startValue: number;
  readonly factor: number;
  readonly steps: readonly number[];

  constructor(
    config: ScheduleBaseOptions & {
      readonly start_value?: number;
      readonly factor: number;
      readonly steps: readonly number[];
    },
  ) {
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

/** `start_value * factor^n` after n intervals of the share `update_interval` of training. */
export class StepIntervalSchedule extends ScheduleBase {
  readonly startValue: number;
  readonly factor: number;
  readonly updateInterval: number;

  constructor(
    config: ScheduleBaseOptions & {
      readonly start_value?: number;
      readonly factor: number;
      readonly update_interval: number;
    },
  ) {
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
