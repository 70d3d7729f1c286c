import type { z } from "zod";
import { NotImplementedError, ValueError } from "../../config/python-errors";
import { defineConfig, float, int, literal, optional, str } from "../../config/schema";

type Pair = readonly [string, string];

/** Exactly one of a start/end pair given, or the pair out of order, is an error (a 0 skips the order check). */
function checkPair(
  config: Record<string, unknown>,
  [start, end]: Pair,
  other: Pair,
  complain: (message: string) => void,
): void {
  const [first, last] = [config[start] as number | null, config[end] as number | null];
  if ((first === null) !== (last === null)) complain(`expected both ${start} and ${end} or neither of them`);
  if (!first || !last) return;
  if (config[other[0]] !== null || config[other[1]] !== null)
    complain(`expected either ${start}/${end} or ${other[0]}/${other[1]}, not both`);
  else if (first >= last) complain(`expected ${start} < ${end}, received ${first} and ${last}`);
}

/** Fields that every schedule has. Unknown keys are ignored. */
export const ScheduleBaseConfig = defineConfig("ScheduleBaseConfig", {
  extra: "ignore",
  fields: {
    /** Class of the schedule. */
    kind: optional(str()).default("noether.core.schedules.base.ScheduleBase"),
    /** Lengthens the schedule by `trunc(total * overhang_percent)` steps, so that it does not reach its end. */
    overhang_percent: optional(float()),
    /** Lengthens the schedule by this many steps. */
    overhang_steps: optional(int()),
    /** Where the schedule starts. */
    start_value: float({ ge: 0 }).default(0),
    /** Where it ends. */
    end_value: float({ ge: 0 }).default(1e-6),
    // the five below are validated as the Python framework does, and have no effect on any schedule
    /** Checked, and without effect on any schedule, as in the Python framework. */
    weight_decay: optional(float()).default(0),
    /** Checked, and without effect on any schedule, as in the Python framework. */
    start_percent: optional(float({ ge: 0, le: 1 })),
    /** Checked, and without effect on any schedule, as in the Python framework. */
    end_percent: optional(float({ ge: 0, le: 1 })),
    /** Checked, and without effect on any schedule, as in the Python framework. */
    start_step: optional(int({ ge: 0 })),
    /** Checked, and without effect on any schedule, as in the Python framework. */
    end_step: optional(int({ ge: 0 })),
    /** Whether the value changes with every update or once an epoch. */
    interval: literal("update", "epoch").default("update"),
  },
  check: (config, complain) => {
    if (config.overhang_percent !== null && config.overhang_steps !== null) {
      complain("expected at most one of overhang_percent and overhang_steps");
    }
    const steps: Pair = ["start_step", "end_step"];
    const percents: Pair = ["start_percent", "end_percent"];
    checkPair(config, steps, percents, complain);
    checkPair(config, percents, steps, complain);
  },
});
export type ScheduleBaseConfig = z.output<typeof ScheduleBaseConfig>;
/** What code passes: fields with a default may be left out. */
export type ScheduleBaseOptions = z.input<typeof ScheduleBaseConfig>;

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
