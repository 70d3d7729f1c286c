import {
  DecreasingProgressSchedule,
  type DecreasingProgressScheduleOptions,
  IncreasingProgressSchedule,
  type IncreasingProgressScheduleOptions,
  linearProgress,
} from "./progress";

function polynomialProgress(step: number, totalSteps: number, power: number): number {
  return 1 - (1 - linearProgress(step, totalSteps)) ** power;
}

/** From `start_value` to `max_value` with `1 - (1 - q)^power`. */
export class PolynomialIncreasingSchedule extends IncreasingProgressSchedule {
  readonly power: number;

  constructor(config: IncreasingProgressScheduleOptions & { readonly power?: number }) {
    super(config);
    this.power = config.power ?? 1;
  }

  override getProgress(step: number, totalSteps: number): number {
    return polynomialProgress(step, totalSteps, this.power);
  }
}

/** From `max_value` to `end_value` with `(1 - q)^power`. */
export class PolynomialDecreasingSchedule extends DecreasingProgressSchedule {
  readonly power: number;

  constructor(config: DecreasingProgressScheduleOptions & { readonly power?: number }) {
    super(config);
    this.power = config.power ?? 1;
  }

  override getProgress(step: number, totalSteps: number): number {
    return polynomialProgress(step, totalSteps, this.power);
  }
}
