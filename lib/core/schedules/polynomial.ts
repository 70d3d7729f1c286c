import type { z } from "zod";
import { register } from "../../config/registry";
import { float, tag, type FieldType } from "../../config/schema";
import {
  DecreasingProgressSchedule,
  DecreasingProgressScheduleConfig,
  IncreasingProgressSchedule,
  IncreasingProgressScheduleConfig,
  linearProgress,
} from "./progress";

function polynomialProgress(step: number, totalSteps: number, power: number): number {
  return 1 - (1 - linearProgress(step, totalSteps)) ** power;
}

/** Config of {@link PolynomialIncreasingSchedule}. */
export const PolynomialIncreasingScheduleConfig = IncreasingProgressScheduleConfig.extend(
  "PolynomialIncreasingScheduleConfig",
  {
    fields: {
      kind: tag("noether.core.schedules.PolynomialIncreasingSchedule"),
      /** Power of the share of training that is done; 1 is linear. */
      power: float().default(1),
    },
  },
);

/** From `start_value` to `max_value` with `1 - (1 - q)^power`. */
export class PolynomialIncreasingSchedule extends IncreasingProgressSchedule {
  static override readonly schema: FieldType = PolynomialIncreasingScheduleConfig;
  readonly power: number;

  constructor(config: z.input<typeof PolynomialIncreasingScheduleConfig>) {
    super(config);
    this.power = config.power ?? 1;
  }

  override getProgress(step: number, totalSteps: number): number {
    return polynomialProgress(step, totalSteps, this.power);
  }
}

register("noether.core.schedules.PolynomialIncreasingSchedule", {
  class: PolynomialIncreasingSchedule,
  aliases: ["noether.core.schedules.polynomial.PolynomialIncreasingSchedule"],
});

/** Config of {@link PolynomialDecreasingSchedule}. */
export const PolynomialDecreasingScheduleConfig = DecreasingProgressScheduleConfig.extend(
  "PolynomialDecreasingScheduleConfig",
  {
    fields: {
      kind: tag("noether.core.schedules.PolynomialDecreasingSchedule"),
      /** Power of the share of training that is done; 1 is linear. */
      power: float().default(1),
    },
  },
);

/** From `max_value` to `end_value` with `(1 - q)^power`. */
export class PolynomialDecreasingSchedule extends DecreasingProgressSchedule {
  static override readonly schema: FieldType = PolynomialDecreasingScheduleConfig;
  readonly power: number;

  constructor(config: z.input<typeof PolynomialDecreasingScheduleConfig>) {
    super(config);
    this.power = config.power ?? 1;
  }

  override getProgress(step: number, totalSteps: number): number {
    return polynomialProgress(step, totalSteps, this.power);
  }
}

register("noether.core.schedules.PolynomialDecreasingSchedule", {
  class: PolynomialDecreasingSchedule,
  aliases: ["noether.core.schedules.polynomial.PolynomialDecreasingSchedule"],
});
