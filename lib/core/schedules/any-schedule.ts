import { registered } from "../../config/schema";
import { ScheduleBaseConfig } from "./base";

/** A schedule chosen by its `kind`, which is required; a class of the user declares a schema that extends {@link ScheduleBaseConfig}. */
export const AnyScheduleConfig = registered(ScheduleBaseConfig, { withoutKind: null, withoutSchema: null });
export type AnyScheduleConfig = ScheduleBaseConfig;
