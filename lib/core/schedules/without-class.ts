/** Configs of schedules that have no class, in the Python framework and here: building one is an error that says so. */
import { register } from "../../config/registry";
import { bool, float, int, tag } from "../../config/schema";
import { ScheduleBaseConfig } from "./base";

/** A warm-up; use {@link LinearWarmupCosineDecaySchedule}. */
export const SchedulerConfig = ScheduleBaseConfig.extend("SchedulerConfig", {
  fields: {
    kind: tag("noether.core.schedules.scheduler.SchedulerConfig"),
    /** Share of training that is warm-up. */
    warmup_percent: float({ ge: 0, le: 1 }),
    /** Where it ends. */
    end_value: float({ ge: 0 }),
  },
});

register("noether.core.schedules.scheduler.SchedulerConfig", { schema: SchedulerConfig });

/** A switch that goes on and off. */
export const PeriodicBoolScheduleConfig = ScheduleBaseConfig.extend("PeriodicBoolScheduleConfig", {
  fields: {
    kind: tag("noether.core.schedules.PeriodicBoolSchedule"),
    /** Whether it begins switched on. */
    initial_state: bool(),
    /** Value while it is off. */
    off_value: float().default(0),
    /** Value while it is on. */
    on_value: float().default(1),
    /** Steps for which it is off. */
    off_duration: int().default(1),
    /** Steps for which it is on. */
    on_duration: int().default(1),
    /** Exchanges on and off. */
    invert: bool().default(false),
  },
});

register("noether.core.schedules.PeriodicBoolSchedule", {
  schema: PeriodicBoolScheduleConfig,
  aliases: ["noether.core.schedules.periodic.PeriodicBoolSchedule"],
});
