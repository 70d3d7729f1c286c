import { pyNumber } from "../../config/python-format";
import { ScheduleBase, type ScheduleBaseOptions } from "./base";

/** The same value at every step. */
export class ConstantSchedule extends ScheduleBase {
  readonly value: number;

  constructor(config: ScheduleBaseOptions & { readonly value: number }) {
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
