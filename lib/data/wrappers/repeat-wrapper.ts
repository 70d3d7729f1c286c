import { validateConfig } from "../../config/schema";
import { ValueError } from "../../config/python-errors";
import { RepeatWrapperConfig } from "./configs";
import type { DatasetProtocol } from "../base/dataset";
import { range, Subset } from "./subset";

/** The data set `repetitions` times: 0, 1, 2, 0, 1, 2, … */
export class RepeatWrapper extends Subset {
  static readonly schema = RepeatWrapperConfig;
  readonly repetitions: number;

  constructor(config: { kind?: string; repetitions: number }, dataset: DatasetProtocol) {
    const { repetitions } = validateConfig(RepeatWrapperConfig, { kind: "", ...config });
    if (dataset.length === 0) throw new ValueError("expected a data set with samples to repeat, received an empty one");
    super(dataset, Array.from({ length: repetitions }, () => range(dataset.length)).flat());
    this.repetitions = repetitions;
  }

  override toString(): string {
    return `${this.dataset.toString()} (repeated ${this.repetitions} times)`;
  }
}
