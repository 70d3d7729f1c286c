/** Registers the schedules under the names that configurations use. */
import type { z } from "zod";

import { type KindClass, register } from "../../config/registry";
import * as schemas from "./configs";
import { ConstantSchedule } from "./constant";
import { CosineDecreasingSchedule, CosineIncreasingSchedule } from "./cosine";
import { CustomSchedule } from "./custom";
import { LinearDecreasingSchedule, LinearIncreasingSchedule } from "./linear";
import { LinearWarmupCosineDecaySchedule } from "./linear-warmup-cosine-decay";
import { PolynomialDecreasingSchedule, PolynomialIncreasingSchedule } from "./polynomial";
import { DecreasingProgressSchedule, IncreasingProgressSchedule } from "./progress";
import { StepDecreasingSchedule, StepFixedSchedule, StepIntervalSchedule } from "./step";

const schedules: readonly [module: string, name: string, schema: z.ZodType, type?: KindClass][] = [
  ["base", "ConstantSchedule", schemas.ConstantScheduleConfig, ConstantSchedule],
  ["custom", "CustomSchedule", schemas.CustomScheduleConfig, CustomSchedule],
  [
    "linear_warmup_cosine_decay",
    "LinearWarmupCosineDecaySchedule",
    schemas.LinearWarmupCosineDecayScheduleConfig,
    LinearWarmupCosineDecaySchedule,
  ],
  ["linear", "LinearIncreasingSchedule", schemas.LinearIncreasingScheduleConfig, LinearIncreasingSchedule],
  ["linear", "LinearDecreasingSchedule", schemas.LinearDecreasingScheduleConfig, LinearDecreasingSchedule],
  ["cosine", "CosineIncreasingSchedule", schemas.CosineIncreasingScheduleConfig, CosineIncreasingSchedule],
  ["cosine", "CosineDecreasingSchedule", schemas.CosineDecreasingScheduleConfig, CosineDecreasingSchedule],
  [
    "polynomial",
    "PolynomialIncreasingSchedule",
    schemas.PolynomialIncreasingScheduleConfig,
    PolynomialIncreasingSchedule,
  ],
  [
    "polynomial",
    "PolynomialDecreasingSchedule",
    schemas.PolynomialDecreasingScheduleConfig,
    PolynomialDecreasingSchedule,
  ],
  ["step", "StepDecreasingSchedule", schemas.StepDecreasingScheduleConfig, StepDecreasingSchedule],
  ["step", "StepFixedSchedule", schemas.StepFixedScheduleConfig, StepFixedSchedule],
  ["step", "StepIntervalSchedule", schemas.StepIntervalScheduleConfig, StepIntervalSchedule],
  ["progress", "DecreasingProgressSchedule", schemas.DecreasingProgressScheduleConfig, DecreasingProgressSchedule],
  ["progress", "IncreasingProgressSchedule", schemas.IncreasingProgressScheduleConfig, IncreasingProgressSchedule],
  // Configurations of the Python framework that no class stands behind there either.
  ["progress", "ProgressSchedule", schemas.ProgressScheduleConfig],
  ["periodic", "PeriodicBoolSchedule", schemas.PeriodicBoolScheduleConfig],
];

for (const [module, name, schema, type] of schedules) {
  register(`noether.core.schedules.${name}`, {
    class: type,
    schema,
    aliases: [`noether.core.schedules.${module}.${name}`],
  });
}
register("noether.core.schedules.scheduler.SchedulerConfig", { schema: schemas.SchedulerConfig });
