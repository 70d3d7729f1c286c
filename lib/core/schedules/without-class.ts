/** Configs of schedules that have no class, in the Python framework and here: building one is an error that says so. */
import { register } from "../../config/registry";
import { bool, float, int, tag } from "../../config/schema";
import { ScheduleBaseConfig } from "./base";

/** A warm-up; use {@link LinearWarmupCosineDecaySchedule}. */
export const SchedulerConfig = ScheduleBaseConfig.extend("SchedulerConfig", {
  fields: {
    kind: tag("noether.core.schedules.scheduler.SchedulerConfig"),
    warmup_percent: float({ ge: 0, le: 1 }),
    end_value: float({ ge: 0 }),
  },
});

register("noether.core.schedules.scheduler.SchedulerConfig", { schema: SchedulerConfig });

/** A switch that goes on and off. */
export const PeriodicBoolScheduleConfig = ScheduleBaseConfig.extend("PeriodicBoolScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.PeriodicBoolSchedule"),
    initial_state: bool(),
    off_value: float().default(0),
    on_value: float().default(1),
    off_duration: int().default(1),
    on_duration: int().default(1),
    invert: bool().default(false),
  },
});

register("noether.core.schedules.PeriodicBoolSchedule", {
  schema: PeriodicBoolScheduleConfig,
  aliases: ["noether.core.schedules.periodic.PeriodicBoolSchedule"],
});
