import { ValueError } from "../../config/python-errors";
import { ScheduleBase, type ScheduleBaseOptions } from "./base";

/** One listed value per step. */
export class CustomSchedule extends ScheduleBase {
  readonly values: readonly number[];

  constructor(config: ScheduleBaseOptions & { readonly values: readonly number[] }) {
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
