import { NotImplementedError, ValueError } from "../../config/python-errors";
import { ConstantSchedule } from "./constant";
import { CustomSchedule } from "./custom";
import type { ScheduleBase } from "./base";
import { fullySpecified } from "../iteration/training-iteration";
import type { UpdateCounter } from "../iteration/update-counter";

/** A schedule together with the counter that says how far training is. */
export class ScheduleWrapper {
  readonly schedule: ScheduleBase;
  readonly updateCounter: UpdateCounter | null;
  readonly interval: string;

  /**
   * @param interval `update`: a new value each update; `epoch`: a new value each epoch.
   */
  constructor(schedule: ScheduleBase, updateCounter: UpdateCounter | null = null, interval: string = "update") {
    if (interval !== "update" && interval !== "epoch") {
      throw new NotImplementedError(`the interval of a schedule is 'update' or 'epoch', but got '${interval}'`);
    }
    this.schedule = schedule;
    this.updateCounter = updateCounter;
    this.interval = interval;
  }

  /** Value for the next update. */
  getValue(): number {
    if (this.updateCounter === null) {
      if (!(this.schedule instanceof ConstantSchedule)) {
        throw new ValueError(`${this.schedule} depends on the progress of training: it needs an update counter`);
      }
      return this.schedule.getValue(0, 1);
    }
    const current = fullySpecified(this.updateCounter.curIteration, "the current iteration");
    const end = fullySpecified(this.updateCounter.endIteration, "the end of training");
    if (this.interval === "update") {
      return this.schedule.getValue(current.update, end.update);
    }
    const perEpoch = this.updateCounter.updatesPerEpoch;
    const step = current.epoch * perEpoch;
    if (this.schedule instanceof CustomSchedule && step >= this.schedule.values.length) {
      throw new ValueError(
        `${this.schedule} has ${this.schedule.values.length} values, one per update, but epoch ${current.epoch} needs the value of update ${step}; ` +
          "give a value for each update, or use interval: update",
      );
    }
    // Training that ends inside an epoch reaches `step === total` in it: schedules hold their end value there.
    return this.schedule.getValue(step, Math.max(end.epoch, 1) * perEpoch);
  }
}
