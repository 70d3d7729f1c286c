import type { z } from "zod";
import { int, validateConfig, type FieldType } from "../../config/schema";
import { ValueError } from "../../config/python-errors";
import { register } from "../../config/registry";
import { DatasetWrapperConfig } from "../base/wrapper-config";
import type { DatasetProtocol } from "../base/dataset";
import { describeSource } from "../base/dataset-source";
import { range, Subset, subsetSource } from "./subset";

/** The whole data set `repetitions` times, one pass after the other. */
export const RepeatWrapperConfig = DatasetWrapperConfig.extend("RepeatWrapperConfig", {
  extra: "ignore",
  fields: {
    /** How often each sample comes in an epoch. */
    repetitions: int({ ge: 2 }),
  },
});
export type RepeatWrapperConfig = z.output<typeof RepeatWrapperConfig>;

/** The data set `repetitions` times: 0, 1, 2, 0, 1, 2, … */
export class RepeatWrapper extends Subset {
  static readonly schema: FieldType = RepeatWrapperConfig;
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

describeSource(RepeatWrapper, subsetSource);
register("noether.data.base.wrappers.RepeatWrapper", {
  class: RepeatWrapper,
  aliases: ["noether.data.base.wrappers.repeat.RepeatWrapper", "noether.data.RepeatWrapper"],
});
