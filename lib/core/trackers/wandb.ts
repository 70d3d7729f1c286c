import type { z } from "zod";
import { register } from "../../config/registry";
import { literal, optional, str, tag } from "../../config/schema";
import { TrackerBaseConfig } from "./base";

/** Config of the tracker of Weights & Biases. No class yet: `lib/config/missing-kinds.ts` says so before a run. */
export const WandBTrackerSchema = TrackerBaseConfig.extend("WandBTrackerSchema", {
  fields: {
    kind: tag("noether.core.trackers.WandBTracker"),
    entity: optional(str()),
    project: optional(str()),
    mode: optional(literal("disabled", "online", "offline")).default("online"),
  },
});
export type WandBTrackerSchema = z.output<typeof WandBTrackerSchema>;

register("noether.core.trackers.WandBTracker", { schema: WandBTrackerSchema });
