import { ValueError } from "../../config/python-errors";
import { pyNumber } from "../../config/python-format";
import { ScheduleBase, type ScheduleBaseOptions } from "./base";
import { CosineDecreasingSchedule } from "./cosine";
import { LinearIncreasingSchedule } from "./linear";
import { SequentialPercentSchedule, SequentialStepSchedule } from "./sequential";

/** Fields of {@link LinearWarmupCosineDecaySchedule}; exactly one of the two warm-up fields is set. */
export interface LinearWarmupCosineDecayScheduleOptions extends ScheduleBaseOptions {
  /** Updates of the warm-up. */
  readonly warmup_steps?: number | null;
  /** Share of training in the warm-up, 0 to 1. */
  readonly warmup_percent?: number | null;
  /** Value at the first step; 0 is skipped (the first step is already above it). */
  readonly start_value?: number;
  /** Value at the end of the warm-up. */
  readonly max_value?: number;
  /** Value at the end of training. */
  readonly end_value?: number;
}

/** Linear warm-up from `start_value` to `max_value`, then half a cosine down to `end_value`. */
export class LinearWarmupCosineDecaySchedule extends ScheduleBase {
  readonly schedule: SequentialPercentSchedule | SequentialStepSchedule;
  readonly warmupSteps: number | null;
  readonly warmupPercent: number | null;

  constructor(config: LinearWarmupCosineDecayScheduleOptions) {
    super(config);
    this.warmupSteps = config.warmup_steps ?? null;
    this.warmupPercent = config.warmup_percent ?? null;
    if ((this.warmupSteps === null) === (this.warmupPercent === null)) {
      throw new ValueError(
        "LinearWarmupCosineDecaySchedule: exactly one of warmup_steps and warmup_percent has to be set",
      );
    }
    const start_value = config.start_value ?? 0;
    const max_value = config.max_value ?? 1;
    const end_value = config.end_value ?? 1e-6;
    const warmup = new LinearIncreasingSchedule({
      start_value,
      max_value,
      exclude_first: start_value === 0,
      exclude_last: true,
    });
    const decay = new CosineDecreasingSchedule({ max_value, end_value });
    this.schedule =
      this.warmupSteps === null
        ? new SequentialPercentSchedule([
            { schedule: warmup, end_percent: this.warmupPercent },
            { schedule: decay, start_percent: this.warmupPercent },
          ])
        : new SequentialStepSchedule([
            { schedule: warmup, start_step: 0, end_step: this.warmupSteps },
            { schedule: decay, start_step: this.warmupSteps },
          ]);
  }

  override computeValue(step: number, totalSteps: number): number {
    return this.schedule.getValue(step, totalSteps);
  }

  override toString(): string {
    const warmup =
      this.warmupPercent === null
        ? `warmup_steps=${this.warmupSteps}`
        : `warmup_percent=${pyNumber(this.warmupPercent)}`;
    return `LinearWarmupCosineDecaySchedule(${warmup})`;
  }
}
