import { NotImplementedError, ValueError } from "../../config/python-errors";

/** What every schedule's configuration may hold (`ScheduleBaseConfig`). */
export interface ScheduleBaseOptions {
  /** Lengthens the schedule by `trunc(total * overhang_percent)` steps, so that it does not reach its end. */
  readonly overhang_percent?: number | null;
  /** Lengthens the schedule by this many steps. */
  readonly overhang_steps?: number | null;
}

/** Value as a function of the step. Values are absolute (a learning rate, not a factor on one). All arithmetic is in float64. */
export abstract class ScheduleBase {
  readonly overhangPercent: number | null;
  readonly overhangSteps: number | null;

  constructor(config: ScheduleBaseOptions = {}) {
    this.overhangPercent = config.overhang_percent ?? null;
    this.overhangSteps = config.overhang_steps ?? null;
    if (this.overhangPercent !== null && this.overhangSteps !== null) {
      throw new ValueError(`${this.constructor.name}: only one of overhang_percent and overhang_steps can be set`);
    }
    if (this.getValue !== ScheduleBase.prototype.getValue) {
      throw new NotImplementedError(`${this.constructor.name} overrides getValue; override computeValue instead`);
    }
  }

  /**
   * @param step Completed steps, `0 <= step <= totalSteps`.
   * @param totalSteps Steps of the whole run.
   */
  getValue(step: number, totalSteps: number): number {
    if (!(step >= 0 && step <= totalSteps)) {
      throw new ValueError(`${this}: step has to lie in [0, ${totalSteps}], but is ${step}`);
    }
    let total = totalSteps;
    if (this.overhangPercent !== null) {
      total += Math.trunc(total * this.overhangPercent);
    }
    if (this.overhangSteps !== null) {
      total += this.overhangSteps;
    }
    return this.computeValue(step, total);
  }

  /** Value at `step` of `totalSteps` after overhang. */
  abstract computeValue(step: number, totalSteps: number): number;

  toString(): string {
    return this.constructor.name;
  }
}
