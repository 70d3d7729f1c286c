import { lookupKind } from "../../config/registry";
import { NotImplementedError, ValueError } from "../../config/python-errors";
import { getLogger } from "../logging";
import { ScheduleWrapper } from "./schedule-wrapper";
import type { UpdateCounter } from "../iteration/update-counter";
import type { ScheduleBase } from "./base";

/** What {@link createSchedule} reads of a schedule's configuration; the schedule reads the rest. */
export interface ScheduleConfig {
  readonly kind: string | null;
  readonly interval: string;
}

/** The schedule of a configuration, bound to the progress of training; null for null. */
export function createSchedule(
  config: ScheduleConfig | null | undefined,
  { updateCounter = null }: { updateCounter?: UpdateCounter | null } = {},
): ScheduleWrapper | null {
  if (config === null || config === undefined) {
    return null;
  }
  if (config.kind === null) {
    throw new ValueError("a schedule needs a kind, e.g. noether.core.schedules.LinearWarmupCosineDecaySchedule");
  }
  const type = lookupKind(config.kind).class as (new (config: ScheduleConfig) => ScheduleBase) | undefined;
  if (type === undefined) {
    throw new NotImplementedError(
      `'${config.kind}' has no schedule class: use another kind, e.g. noether.core.schedules.LinearWarmupCosineDecaySchedule`,
    );
  }
  warnOfIdleFields(config);
  return new ScheduleWrapper(new type(config), updateCounter, config.interval);
}

/** Fields that the Python framework checks and no schedule reads. */
const IDLE = ["start_step", "end_step", "start_percent", "end_percent", "weight_decay"];

function warnOfIdleFields(config: object): void {
  const given = IDLE.filter((field) => Boolean((config as Readonly<Record<string, unknown>>)[field]));
  if (given.length > 0)
    getLogger("schedules").warning(
      `${given.join(" and ")} of a schedule ${given.length > 1 ? "have" : "has"} no effect, as in the Python framework: leave ${given.length > 1 ? "them" : "it"} out`,
    );
}
